//! Which lines of a list cannot hold together: the fewest that conflict by themselves.
//!
//! The resolver proves that the whole list cannot be met, in sentences about every package on the way.
//! Here lines are taken away while the rest still conflicts (Junker, "QuickXplain", AAAI 2004). What
//! remains is the conflict, and the resolver's proof of these lines alone is short.

use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::error::PipError;
use crate::pip::compile::CompileRequest;
use crate::pip::pip_request::PipRequest;
use crate::{Error, Result};
use mlpack_requirements::PipLine;
use mlpack_requirements::pip::Wanted;

/// No run is begun after this; the lines found until then conflict, though perhaps not all of them.
const LONGEST: Duration = Duration::from_secs(20);

/// A line as the resolver is given it.
struct Item<'a> {
    text: String,
    is_constraint: bool,
    line: &'a PipLine,
}

/// Asks the resolver about parts of a list.
struct Search<'a> {
    request: &'a PipRequest<'a>,
    whole: CompileRequest,
    items: Vec<Item<'a>>,
    /// The resolver's last proof, and what it is about.
    proof: Option<(Vec<usize>, PipError)>,
    began: Instant,
}

/// Replaces the proof that a list is unsatisfiable by one about the fewest lines of it.
pub(crate) async fn shorten(request: &PipRequest<'_>, error: Error) -> Error {
    let Error::Pip(PipError::Unsatisfiable { reason, .. }) = &error else { return error };
    let Ok(whole) = request.list_alone() else { return error };
    let mut search =
        Search { request, whole, items: items(request), proof: None, began: Instant::now() };
    match search.conflict(reason).await {
        Ok(Some(lines)) => search.describe(&lines).unwrap_or(error),
        // The list alone can be met: it conflicts with the server that is added.
        Ok(None) | Err(_) => error,
    }
}

/// The list's lines, requirements first, as [`PipRequest::list_alone`] has them.
fn items<'a>(request: &PipRequest<'a>) -> Vec<Item<'a>> {
    let list = request.compiler.list;
    let requirements = request.requirements.iter().zip(&list.lines);
    let requirements =
        requirements.map(|(text, line)| Item { text: text.clone(), is_constraint: false, line });
    let constraints = list.constraints.iter().map(|line| Item {
        text: line.secret().to_owned(),
        is_constraint: true,
        line,
    });
    requirements.chain(constraints).collect()
}

impl Search<'_> {
    /// The lines of a smallest conflict; nothing if the list alone can be met.
    async fn conflict(&mut self, reason: &str) -> Result<Option<Vec<usize>>> {
        let all: Vec<usize> = (0..self.items.len()).collect();
        // Most often it is among those that the proof names.
        let named = |number: &usize| {
            let name = self.items[*number].line.name();
            name.is_none_or(|name| reason.contains(name))
        };
        let (named, rest): (Vec<_>, Vec<_>) = all.iter().copied().partition(named);
        let candidates = match rest.is_empty() || self.conflicts(&named).await? {
            true => named,
            false => all,
        };
        if !self.conflicts(&candidates).await? {
            return Ok(None);
        }
        let mut lines = Vec::new();
        self.search(Vec::new(), candidates, &mut lines).await?;
        lines.sort_unstable();
        // For the proof of just these.
        self.conflicts(&lines).await?;
        Ok(Some(lines))
    }

    /// Adds to `found` the fewest of `open` that conflict together with `fixed`. The two together
    /// conflict, and `fixed` alone does not.
    fn search<'s>(
        &'s mut self,
        fixed: Vec<usize>,
        open: Vec<usize>,
        found: &'s mut Vec<usize>,
    ) -> Pin<Box<dyn Future<Output = Result<()>> + 's>> {
        Box::pin(async move {
            if open.len() <= 1 || self.began.elapsed() > LONGEST {
                found.extend(open);
                return Ok(());
            }
            let (left, right) = open.split_at(open.len() / 2);
            let before = found.len();
            let with_left = [&fixed[..], left].concat();
            if !self.conflicts(&with_left).await? {
                self.search(with_left, right.to_vec(), found).await?;
            }
            let with_right = [&fixed[..], &found[before..]].concat();
            if found.len() == before || !self.conflicts(&with_right).await? {
                self.search(with_right, left.to_vec(), found).await?;
            }
            Ok(())
        })
    }

    /// Whether these lines alone cannot be met.
    async fn conflicts(&mut self, lines: &[usize]) -> Result<bool> {
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        if lines.is_empty() {
            return Ok(false);
        }
        if self.proof.as_ref().is_some_and(|(proved, _)| *proved == lines) {
            return Ok(true);
        }
        let texts = |of_constraints: bool| {
            let items = lines.iter().map(|number| &self.items[*number]);
            let items = items.filter(move |item| item.is_constraint == of_constraints);
            items.map(|item| item.text.clone()).collect()
        };
        let (requirements, constraints) = (texts(false), texts(true));
        let run = CompileRequest { requirements, constraints, ..self.whole.clone() };
        match self.request.compiler.compile(&run).await {
            Ok(_) => Ok(false),
            Err(Error::Pip(proof @ PipError::Unsatisfiable { .. })) => {
                self.proof = Some((lines, proof));
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// The error about these lines, with the resolver's last proof.
    fn describe(self, lines: &[usize]) -> Option<Error> {
        let Some((_, PipError::Unsatisfiable { target, mut reason, mut hint, .. })) = self.proof
        else {
            return None;
        };
        let written = lines.iter().map(|number| self.items[*number].line);
        let conflict: Vec<_> = written.map(|line| (line.place(), line.text.clone())).collect();
        let wanted = &self.request.compiler.list.wanted;
        let name = |number: &usize| self.items[*number].line.name();
        let placed =
            lines.iter().filter(|number| matches!(wanted.get(**number), Some(Wanted::Placed(..))));
        // Of a package that has a place the resolver knows no other release, and says that there is none.
        let twice =
            |one: &usize| lines.iter().any(|other| other != one && name(other) == name(one));
        if let Some(name) = placed.copied().find(twice).and_then(|number| name(&number)) {
            reason =
                format!("{name} has a place in one of them, and its release there is another one");
            hint = Some("remove one of the two lines".to_owned());
        }
        Some(PipError::Unsatisfiable { target, conflict, reason, hint }.into())
    }
}
