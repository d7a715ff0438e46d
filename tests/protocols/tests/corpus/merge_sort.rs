//! A tree of roles sorts: each keeps a part and gives the rest on, both halves at once.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use merge_sort::{Role, Sorted, Unsorted};

choreography! {
    /// A part that is sorted by two.
    protocol Half {
        roles Parent, Child, Leaf;
        Parent -> Child: Unsorted(Vec<u32>);
        Child -> Leaf: Unsorted(Vec<u32>);
        Leaf -> Child: Sorted(Vec<u32>);
        Child -> Parent: Sorted(Vec<u32>);
    }

    protocol MergeSort {
        roles Root, Left, LeftLeaf, Right, RightLeaf;
        par { do Half(Root, Left, LeftLeaf); } and { do Half(Root, Right, RightLeaf); }
    }
}

fn merge(one: &[u32], other: &[u32]) -> Vec<u32> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut merged = Vec::new();
    while let Some(next) = match (one.peek(), other.peek()) {
        (Some(left), Some(right)) if left <= right => one.next(),
        (Some(_), None) => one.next(),
        _ => other.next(),
    } {
        merged.push(*next);
    }
    merged
}

fn sorted(part: &[u32]) -> Vec<u32> {
    match part.len() {
        0 | 1 => part.to_vec(),
        length => merge(&sorted(&part[..length / 2]), &sorted(&part[length / 2..])),
    }
}

async fn root<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let numbers: Vec<u32> = (0..1_000).map(|number| number * 7_919 % 1_000).collect();
    let (left, right, join) = merge_sort::root(handler, endpoint).at_once();
    let (ours, theirs) = numbers.split_at(500);
    let left = async { left.send(Unsorted(ours.to_vec())).await?.recv().await };
    let right = async { right.send(Unsorted(theirs.to_vec())).await?.recv().await };
    let ((Sorted(ours), left), (Sorted(theirs), right)) = futures::try_join!(left, right)?;
    let _end = join.join(left, right);
    assert_eq!(merge(&ours, &theirs), (0..1_000).collect::<Vec<_>>());
    Ok(())
}

async fn left<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Unsorted(part), next) = merge_sort::left(handler, endpoint).recv().await?;
    let (own, rest) = part.split_at(part.len() / 2);
    let next = next.send(Unsorted(rest.to_vec())).await?;
    let own = sorted(own);
    let (Sorted(rest), next) = next.recv().await?;
    next.send(Sorted(merge(&own, &rest))).await.map(drop)
}

async fn left_leaf<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Unsorted(part), next) = merge_sort::left_leaf(handler, endpoint).recv().await?;
    next.send(Sorted(sorted(&part))).await.map(drop)
}

async fn right<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Unsorted(part), next) = merge_sort::right(handler, endpoint).recv().await?;
    let (own, rest) = part.split_at(part.len() / 2);
    let next = next.send(Unsorted(rest.to_vec())).await?;
    let own = sorted(own);
    let (Sorted(rest), next) = next.recv().await?;
    next.send(Sorted(merge(&own, &rest))).await.map(drop)
}

async fn right_leaf<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Unsorted(part), next) = merge_sort::right_leaf(handler, endpoint).recv().await?;
    next.send(Sorted(sorted(&part))).await.map(drop)
}

play!(Root => root, Left => left, LeftLeaf => left_leaf, Right => right, RightLeaf => right_leaf);

#[test]
fn projections() {
    assert_eq!(parts(&merge_sort::protocol()), PARTS);
}

const PARTS: &str = "\
Root {
    par {
        Root -> Left: Unsorted(Vec<u32>);
        Left -> Root: Sorted(Vec<u32>);
    }
    and {
        Root -> Right: Unsorted(Vec<u32>);
        Right -> Root: Sorted(Vec<u32>);
    }
}
Left {
    Root -> Left: Unsorted(Vec<u32>);
    Left -> LeftLeaf: Unsorted(Vec<u32>);
    LeftLeaf -> Left: Sorted(Vec<u32>);
    Left -> Root: Sorted(Vec<u32>);
}
LeftLeaf {
    Left -> LeftLeaf: Unsorted(Vec<u32>);
    LeftLeaf -> Left: Sorted(Vec<u32>);
}
Right {
    Root -> Right: Unsorted(Vec<u32>);
    Right -> RightLeaf: Unsorted(Vec<u32>);
    RightLeaf -> Right: Sorted(Vec<u32>);
    Right -> Root: Sorted(Vec<u32>);
}
RightLeaf {
    Right -> RightLeaf: Unsorted(Vec<u32>);
    RightLeaf -> Right: Sorted(Vec<u32>);
}";
