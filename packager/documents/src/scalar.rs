//! Scalars as written, and what they mean as boolean or number.

/// A scalar as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, unquoted.
    pub text: String,
    /// Whether it is text whatever it looks like: quoted, a block, or tagged `!!str`.
    pub quoted: bool,
}

impl Scalar {
    /// A scalar that is text.
    pub fn quoted(text: impl Into<String>) -> Self {
        Self { text: text.into(), quoted: true }
    }

    /// A scalar that may be a boolean or a number.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), quoted: false }
    }

    fn unquoted(&self) -> Option<&str> {
        (!self.quoted).then_some(&*self.text)
    }

    /// Whether it is YAML's null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.unquoted(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns the boolean it means; as in YAML 1.1, `yes` and `on` are true.
    pub fn boolean(&self) -> Option<bool> {
        match self.unquoted()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "on" => Some(true),
            "false" | "no" | "n" | "off" => Some(false),
            _ => None,
        }
    }

    /// Whether it means a number.
    pub fn is_number(&self) -> bool {
        self.number().is_some()
    }

    /// Returns the finite number it means. Digits after a leading zero, as in `0127`, are text.
    pub fn number(&self) -> Option<f64> {
        let text = self.unquoted()?;
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let padded = digits.len() > 1
            && digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if padded || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        if let Some(radix) = radix(digits) {
            let number = i64::from_str_radix(&digits[2..].replace('_', ""), radix).ok()?;
            #[allow(clippy::cast_precision_loss, reason = "numbers of a configuration are small")]
            let number = number as f64;
            return Some(if text.starts_with('-') { -number } else { number });
        }
        let grouped = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
        let text = if grouped { text.replace('_', "") } else { text.to_owned() };
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        if let Some(boolean) = self.boolean() {
            return boolean.into();
        }
        let Some(number) = self.number() else { return self.text.as_str().into() };
        let whole = self.text.parse::<i64>().map(Into::into);
        whole
            .or_else(|_| self.text.parse::<u64>().map(Into::into))
            .unwrap_or_else(|_| number.into())
    }
}

fn radix(digits: &str) -> Option<u32> {
    match digits.get(..2)? {
        "0x" | "0X" => Some(16),
        "0o" | "0O" => Some(8),
        "0b" | "0B" => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_booleans_and_numbers() {
        for (text, boolean, number) in [
            ("yes", Some(true), None),
            ("Off", Some(false), None),
            ("3.10", None, Some(3.1)),
            ("-1e3", None, Some(-1000.0)),
            ("0x1F", None, Some(31.0)),
            ("1_000", None, Some(1000.0)),
            ("0", None, Some(0.0)),
            ("0127", None, None),
            ("1.2.3", None, None),
            ("inf", None, None),
            ("text", None, None),
        ] {
            let scalar = Scalar::plain(text);
            assert_eq!((scalar.boolean(), scalar.number()), (boolean, number), "{text}");
            let scalar = Scalar::quoted(text);
            assert_eq!((scalar.boolean(), scalar.number()), (None, None), "{text}");
        }
    }

    #[test]
    fn json_has_the_same_values() {
        let json = |text: &str| Scalar::plain(text).to_json().to_string();
        assert_eq!(["12", "1.5", "true", "v1"].map(json), ["12", "1.5", "true", "\"v1\""]);
        assert_eq!(Scalar::quoted("12").to_json(), "12");
    }
}
