use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use wasm_bindgen::prelude::*;

use super::callback;

#[cfg(target_feature = "atomics")]
compile_error!("choreo runs in wasm without threads: a task has to be woken where it was spawned");

type Job = Pin<Box<dyn Future<Output = ()>>>;

/// The tasks that are not done, and those of them that can go on in the next microtask.
struct Tasks {
    jobs: Vec<Option<Job>>,
    free: Vec<usize>,
    woken: Vec<Arc<Task>>,
    turn: Option<JsValue>,
}

/// A task from the outside: its place among the jobs.
struct Task {
    place: usize,
    woken: AtomicBool,
}

thread_local! {
    static TASKS: RefCell<Tasks> = const {
        RefCell::new(Tasks {
            jobs: Vec::new(),
            free: Vec::new(),
            woken: Vec::new(),
            turn: None,
        })
    };
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(callback: &JsValue);
}

pub(in super::super) fn spawn_local(task: impl Future<Output = ()> + 'static) {
    spawn(Box::pin(task));
}

fn spawn(job: Job) {
    let place = TASKS.with_borrow_mut(|tasks| {
        let place = tasks.free.pop().unwrap_or_else(|| {
            tasks.jobs.push(None);
            tasks.jobs.len() - 1
        });
        tasks.jobs[place] = Some(job);
        place
    });
    let woken = AtomicBool::new(false);
    Arc::new(Task { place, woken }).wake();
}

/// Polls each task that was woken, once.
fn turn() {
    let woken = TASKS.with_borrow_mut(|tasks| std::mem::take(&mut tasks.woken));
    for task in woken {
        task.woken.store(false, Ordering::Relaxed);
        let place = task.place;
        // A waker may outlive its task.
        let Some(mut job) = TASKS.with_borrow_mut(|tasks| tasks.jobs[place].take()) else {
            continue;
        };
        let polled = job
            .as_mut()
            .poll(&mut Context::from_waker(&Waker::from(task)));
        // What it drops may wake others, so not while the tasks are borrowed.
        let job = polled.is_pending().then_some(job);
        TASKS.with_borrow_mut(|tasks| {
            if job.is_none() {
                tasks.free.push(place);
            }
            tasks.jobs[place] = job;
        });
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if self.woken.swap(true, Ordering::Relaxed) {
            return;
        }
        TASKS.with_borrow_mut(|tasks| {
            if tasks.woken.is_empty() {
                queue_microtask(tasks.turn.get_or_insert_with(|| callback(Box::new(turn))));
            }
            tasks.woken.push(self);
        });
    }
}
