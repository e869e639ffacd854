//! [`Progress`]: how far a call is, on standard error, if that is a terminal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::escape;

/// A bar that comes with the first report, and goes when the call is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    pauses: usize,
    /// The call is over, and a report comes too late.
    over: bool,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a report.
    pub(crate) fn report(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let mut state = self.lock();
        if state.pauses > 0 || state.over {
            return;
        }
        let bar = state.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        // Bars count whole steps; fractions become thousandths.
        let scale = total
            .filter(|total| *total > 0.0 && total.fract() != 0.0)
            .map_or(1.0, |_| 1000.0);
        let steps = |value: f64| (value * scale).clamp(0.0, 1e15) as u64;
        let template = match total.filter(|total| *total > 0.0) {
            Some(total) if scale > 1.0 => {
                bar.set_length(steps(total));
                "{bar:30} {percent}% {msg}"
            }
            Some(total) => {
                bar.set_length(steps(total));
                "{bar:30} {pos}/{len} {msg}"
            }
            None => "{spinner} {pos} {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(steps(progress));
        if let Some(message) = message {
            let message: String = message.chars().take(200).collect();
            bar.set_message(escape::line(&message).into_owned());
        }
    }

    /// Says something on standard error without getting in the bar's way.
    pub(crate) fn aside(&self, say: impl FnOnce()) {
        let state = self.lock();
        match &state.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// Takes the bar away for as long as the guard lives.
    pub(crate) fn pause(&self) -> Pause {
        let mut state = self.lock();
        state.pauses += 1;
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        Pause(self.clone())
    }

    /// The call is over.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.over = true;
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// While this lives, nothing is drawn.
#[derive(Debug)]
pub(crate) struct Pause(Progress);

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.pauses = state.pauses.saturating_sub(1);
    }
}
