//! What is around every answer.

use serde::Deserialize;

use crate::document::value::nullable;

#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    status: String,
    #[serde(default)]
    error: String,
    /// Thanos's word that some of its stores were silent.
    #[serde(default, deserialize_with = "nullable")]
    warnings: Vec<String>,
    /// VictoriaMetrics's.
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
    data: Option<T>,
}

impl<T> Envelope<T> {
    /// The answer, where it is whole.
    pub(super) fn data(self) -> Result<T, String> {
        if self.status != "success" {
            return Err(format!("the server refused: {}", cut(&self.error)));
        }
        if let Some(warning) = self.warnings.first() {
            return Err(format!("the answer may not be whole: {}", cut(warning)));
        }
        if self.is_partial {
            return Err("the answer is not whole: a store is down".to_owned());
        }
        self.data
            .ok_or_else(|| "the answer holds no data".to_owned())
    }
}

/// Characters kept of what a server says.
const SAID_CHARS_MAX: usize = 300;

fn cut(said: &str) -> String {
    said.chars().take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_is_no_answer() {
        for (text, expected) in [
            (r#"{"status": "success", "data": 7}"#, Ok(7)),
            (
                r#"{"status": "success", "data": 7, "warnings": null, "infos": ["x"]}"#,
                Ok(7),
            ),
            (
                r#"{"status": "success", "data": 7, "warnings": ["store a: gone"]}"#,
                Err("the answer may not be whole: store a: gone"),
            ),
            (
                r#"{"status": "success", "data": 7, "isPartial": true}"#,
                Err("the answer is not whole: a store is down"),
            ),
            (r#"{"status": "success"}"#, Err("the answer holds no data")),
            (
                r#"{"status": "error", "errorType": "bad_data", "error": "no"}"#,
                Err("the server refused: no"),
            ),
        ] {
            let answer: Envelope<u32> = serde_json::from_str(text).unwrap();
            assert_eq!(answer.data(), expected.map_err(str::to_owned), "{text}");
        }
    }
}
