//! Samples of schemas are published as JSON (docs/azureml-2019.md#4.6, docs/azureml-2019.md#9.8).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.samples";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Words in keys that often mean personal data or a secret.
const PRIVATE: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "ssn",
    "social_security",
    "email",
    "e_mail",
    "phone",
    "birth",
    "passport",
    "iban",
    "credit_card",
    "surname",
    "last_name",
    "first_name",
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let mut found = Vec::new();
    for sample in &script.samples {
        for key in sample.keys.iter().filter(|key| !key.is_text) {
            found.push(
                Finding::warning(
                    ID,
                    format!("the sample has the key {}, which JSON converts to a string", key.text),
                    "write the keys of samples in quotes",
                )
                .at(&script.path, key.line),
            );
        }
        let private = sample.keys.iter().filter(|key| key.is_text && is_private(&key.text));
        let private = private.map(|key| (key.line, key.text.as_str()));
        let mail = sample.texts.iter().filter(|text| is_mail(text));
        let mail = mail.map(|text| (sample.line, text.as_str()));
        found.extend(private.chain(mail).map(|(line, text)| {
            Finding::warning(
                ID,
                format!("`{text}` in a sample looks private; everyone can read it in swagger.json"),
                "use made-up data in samples",
            )
            .at(&script.path, line)
        }));
    }
    found
}

fn is_private(key: &str) -> bool {
    let key = key.to_lowercase().replace(['-', ' '], "_");
    PRIVATE.iter().any(|word| key.contains(word))
}

fn is_mail(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    let word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    word(user) && word(host) && host.contains('.') && !host.starts_with("example.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn keys_are_text_and_data_is_made_up() {
        let text = "s = StandardPythonParameterType({1: 2,\n'E-Mail': 'ada@mail.org'})\n";
        let private = "use made-up data in samples";
        assert_eq!(
            Case::script(text).run(run),
            [
                finding(
                    ID,
                    Warning,
                    Some(("score.py", 1)),
                    "the sample has the key 1, which JSON converts to a string",
                    "write the keys of samples in quotes",
                ),
                finding(
                    ID,
                    Warning,
                    Some(("score.py", 2)),
                    "`E-Mail` in a sample looks private; everyone can read it in swagger.json",
                    private,
                ),
                finding(
                    ID,
                    Warning,
                    Some(("score.py", 1)),
                    "`ada@mail.org` in a sample looks private; everyone can read it in swagger.json",
                    private,
                ),
            ]
        );
        let good = "s = StandardPythonParameterType({'age': 1, 'mail': 'ada@example.org'})\n";
        assert_eq!(Case::script(good).run(run), []);
    }
}
