use choreo_core::Bytes;
use futures::try_join;

use super::line::{Line, frame};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::{EMPTY_FRAMES, FRAMES};

/// Frames arrive as they were sent, one for one, around the sizes at which encodings of lengths and
/// buffers change.
pub async fn frames_of_all_sizes_arrive_whole(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    const SIZES: &[usize] = &[
        4, 5, 6, 7, 8, 15, 16, 17, 125, 126, 127, 128, 255, 256, 257, 1023, 1024, 4095, 4096, 4097,
        8191, 8192, 8193, 16_383, 16_384, 32_768, 65_534, 65_535, 65_536,
    ];
    let line = Line::new(fixture, "frames_of_all_sizes_arrive_whole", FRAMES);
    line.both_ways(async |from: End, to: End| {
        // Small ones lie between large ones too, not only beside their like.
        let sizes = SIZES.iter().chain(SIZES.iter().rev());
        let sizes = sizes.flat_map(|size| [*size, 4]);
        let sizes = sizes.filter(|size| *size <= fixture.largest_frame());
        let frames: Vec<_> = (0..).zip(sizes).map(|(n, size)| frame(n, size)).collect();
        pass_on(&line, &from, &to, &frames).await
    })
    .await
}

/// A frame of no bytes at all is a frame as others are: alone, in a row, and between others.
pub async fn empty_frames_arrive(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    let line = Line::new(fixture, "empty_frames_arrive", EMPTY_FRAMES);
    line.both_ways(async |from: End, to: End| {
        let frames = [
            Bytes::new(),
            Bytes::new(),
            frame(1, 10),
            Bytes::new(),
            frame(2, 10),
        ];
        pass_on(&line, &from, &to, &frames).await
    })
    .await
}

/// A frame of the largest size arrives, each byte of it, and what is behind it too.
pub async fn the_largest_frame_arrives(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    let line = Line::new(fixture, "the_largest_frame_arrives", FRAMES);
    line.both_ways(async |from: End, to: End| {
        let frames = [line.large(1), frame(2, 10), line.large(3), line.large(4)];
        pass_on(&line, &from, &to, &frames).await
    })
    .await
}

async fn pass_on(line: &Line<'_>, from: &End, to: &End, frames: &[Bytes]) -> Result<(), Violation> {
    let sending = async {
        for frame in frames {
            line.send(from, frame.clone()).await?;
        }
        Ok(())
    };
    let receiving = async {
        for due in frames {
            line.recv(to, due).await?;
        }
        Ok(())
    };
    try_join!(sending, receiving).map(drop)
}
