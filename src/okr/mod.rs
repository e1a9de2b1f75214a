//! Objectives, measured: what key results come to on what is known of services at one moment, be it now or
//! in a quarter long past. Pure: figures in, figures out.

mod forecast;
mod measure;
mod progress;
mod score;
mod standing;

pub use self::forecast::{Forecast, POINTS_MIN, forecast};
pub use self::measure::{Measured, measure_query, measure_services};
pub use self::progress::{
    Baseline, InitiativeProgress, KeyResultId, KeyResultPast, KeyResultPasts, KeyResultProgress,
    ObjectiveProgress, Progress, initiative, objective, progress, queried,
};
pub use self::score::{Grade, Outlook, elapsed, expected, grade, outlook, score};
pub use self::standing::{Outcome, ServiceStanding, of_snapshot};
