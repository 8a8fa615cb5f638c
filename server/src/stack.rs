//! A stack of their own for connections that run scripts, so that a script which runs too long can be left where it
//! stands while the thread serves others.
//!
//! A task is polled on the thread's own stack until it asks for another. From then on each poll runs on one that the
//! thread keeps for that, which costs some ten nanoseconds. What runs there may [`pause`]: the poll is left, with all
//! that lies on its stack, and goes on at the same place when the task is polled again. One poll of a thread
//! can be left like that at a time, which is enough: who runs a script holds every lock.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use scoped_tls::scoped_thread_local;

/// Scripts may hand on values that are nested some thousand deep. What is never used takes no memory.
pub const STACK_BYTES: usize = 16 << 20;

/// Stacks that a thread keeps.
const KEPT_STACKS: usize = 2;

scoped_thread_local!(static YIELDER: Yielder<Waker, ()>);

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    static PLACE: Cell<Place> = const { Cell::new(Place::Thread) };
    /// A poll of this thread has been left.
    static HAS_PAUSED: Cell<bool> = const { Cell::new(false) };
}

/// Where something runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On the stack of the thread.
    Thread,
    /// On a stack of its own.
    Own,
    /// On the stack of the thread, because there was no memory for another.
    MakesDo,
}

/// Whether what runs now is where scripts are run.
pub fn is_own() -> bool {
    PLACE.get() != Place::Thread
}

/// Lets the thread serve others for a moment. Does nothing where nothing can be left: see [`is_own`].
///
/// Nothing that others on the thread need may be held, such as a borrow of what the thread shares.
pub fn pause() {
    if PLACE.get() != Place::Own || HAS_PAUSED.get() {
        return;
    }
    HAS_PAUSED.set(true);
    YIELDER.with(|yielder| yielder.suspend(()));
    HAS_PAUSED.set(false);
}

/// A poll on another stack; what it comes to, with the task that it was given.
type Polling<T, R> = Coroutine<Waker, (), (Box<T>, Poll<R>), DefaultStack>;

enum State<T: 'static, R: 'static> {
    /// Between two polls.
    Rests(Box<T>),
    /// A poll has been left.
    Paused(Polling<T, R>),
    /// It is over, or being polled.
    Gone,
}

/// Polls a task on stacks of its own until it is ready; gives it back with the result.
pub struct OnOwnStack<T: 'static, R: 'static> {
    state: State<T, R>,
    poll: fn(&mut T, &mut Context<'_>) -> Poll<R>,
}

impl<T, R> OnOwnStack<T, R> {
    /// A future that polls `task` with `poll`.
    pub fn new(task: Box<T>, poll: fn(&mut T, &mut Context<'_>) -> Poll<R>) -> OnOwnStack<T, R> {
        OnOwnStack {
            state: State::Rests(task),
            poll,
        }
    }
}

impl<T, R> Unpin for OnOwnStack<T, R> {}

impl<T, R> Future for OnOwnStack<T, R> {
    type Output = (Box<T>, R);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut coroutine = match std::mem::replace(&mut self.state, State::Gone) {
            State::Rests(task) => match begin(task, self.poll) {
                Ok(coroutine) => coroutine,
                Err(mut task) => {
                    PLACE.set(Place::MakesDo);
                    let polled = (self.poll)(&mut task, cx);
                    PLACE.set(Place::Thread);
                    return self.rest(task, polled);
                }
            },
            State::Paused(coroutine) => coroutine,
            State::Gone => panic!("polled after it was over"),
        };
        PLACE.set(Place::Own);
        let result = coroutine.resume(cx.waker().clone());
        PLACE.set(Place::Thread);
        match result {
            CoroutineResult::Yield(()) => {
                self.state = State::Paused(coroutine);
                // Wakes the task once the thread has looked what came in for others.
                let _ = pin!(tokio::task::yield_now()).poll(cx);
                Poll::Pending
            }
            CoroutineResult::Return((task, polled)) => {
                keep(coroutine.into_stack());
                self.rest(task, polled)
            }
        }
    }
}

impl<T, R> OnOwnStack<T, R> {
    fn rest(&mut self, task: Box<T>, polled: Poll<R>) -> Poll<(Box<T>, R)> {
        match polled {
            Poll::Ready(result) => Poll::Ready((task, result)),
            Poll::Pending => {
                self.state = State::Rests(task);
                Poll::Pending
            }
        }
    }
}

impl<T, R> Drop for OnOwnStack<T, R> {
    fn drop(&mut self) {
        // A stack full of a script cannot be unwound. Tasks are dropped only when the process ends.
        if let State::Paused(coroutine) = std::mem::replace(&mut self.state, State::Gone) {
            std::mem::forget(coroutine);
        }
    }
}

/// A poll of the task, about to begin on a stack of its own; the task, if the system has no memory for one.
fn begin<T: 'static, R: 'static>(
    mut task: Box<T>,
    poll: fn(&mut T, &mut Context<'_>) -> Poll<R>,
) -> Result<Polling<T, R>, Box<T>> {
    let kept = STACKS.with_borrow_mut(Vec::pop);
    let Some(stack) = kept.or_else(|| DefaultStack::new(STACK_BYTES).ok()) else {
        return Err(task);
    };
    Ok(Coroutine::with_stack(
        stack,
        move |yielder: &Yielder<Waker, ()>, waker: Waker| {
            let polled = YIELDER.set(yielder, || {
                poll(&mut task, &mut Context::from_waker(&waker))
            });
            (task, polled)
        },
    ))
}

fn keep(stack: DefaultStack) {
    STACKS.with_borrow_mut(|stacks| {
        if stacks.len() < KEPT_STACKS {
            stacks.push(stack);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Task {
        steps: Vec<&'static str>,
    }

    fn poll_task(task: &mut Task, _: &mut Context<'_>) -> Poll<usize> {
        task.steps.push("began");
        assert!(is_own());
        pause();
        task.steps.push("went on");
        match task.steps.len() {
            2 => Poll::Pending,
            steps => Poll::Ready(steps),
        }
    }

    #[test]
    fn a_poll_that_is_left_goes_on_where_it_was() {
        let mut future = pin!(OnOwnStack::new(
            Box::new(Task { steps: Vec::new() }),
            poll_task
        ));
        let mut cx = Context::from_waker(Waker::noop());
        // Left, pending, left again, ready.
        for _ in 0..3 {
            assert!(future.as_mut().poll(&mut cx).is_pending());
            assert!(!is_own());
        }
        let Poll::Ready((task, steps)) = future.as_mut().poll(&mut cx) else {
            panic!("it has made all its steps");
        };
        assert_eq!((steps, task.steps.len()), (4, 4));
        assert_eq!(task.steps, ["began", "went on", "began", "went on"]);
    }

    #[test]
    fn nothing_is_left_on_the_stack_of_the_thread() {
        assert!(!is_own());
        pause();
    }
}
