//! [`Spoken`]: an answer on standard output, while it comes.

use std::sync::{Arc, Mutex, PoisonError};

use super::Heard;
use crate::failure::Failure;
use crate::show::Out;

/// What was shown of an answer so far.
#[derive(Debug, Clone)]
pub(crate) struct Spoken(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    out: Out,
    text: String,
    /// Of `text`, what is on the screen: the rest may be half of a line end.
    shown: usize,
    /// Standard output takes no more.
    failure: Option<Failure>,
}

impl Spoken {
    pub(crate) fn new(out: Out) -> Self {
        Self(Arc::new(Mutex::new(State {
            out,
            text: String::new(),
            shown: 0,
            failure: None,
        })))
    }

    /// Shows each piece that it is told.
    pub(crate) fn heard(&self) -> Heard {
        let state = Arc::clone(&self.0);
        Arc::new(move |piece| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.text.push_str(piece);
            let end = state.text.trim_end_matches('\r').len();
            state.show(end);
        })
    }

    /// What came so far.
    pub(crate) fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// Shows what is missing of the whole answer, and ends the line.
    pub(crate) fn finish(&self, whole: &str) -> Result<(), Failure> {
        let mut state = self.lock();
        match whole.strip_prefix(state.text.as_str()) {
            Some(rest) => state.text.push_str(rest),
            None => {
                // It came in other words than it was said, or not all of it came.
                state.end_line();
                whole.clone_into(&mut state.text);
                state.shown = 0;
            }
        }
        let end = state.text.len();
        state.show(end);
        state.end_line();
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn show(&mut self, end: usize) {
        if let (None, Some(more)) = (&self.failure, self.text.get(self.shown..end)) {
            self.failure = self.out.piece(more).err();
            self.shown = self.shown.max(end);
        }
    }

    fn end_line(&mut self) {
        if self.failure.is_none() && self.shown > 0 && !self.text[..self.shown].ends_with('\n') {
            self.failure = self.out.bytes(b"\n").err();
        }
    }
}
