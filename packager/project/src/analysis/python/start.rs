//! What of a script runs before the first request: the top level, and what it or `init` names.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef, StmtIf};

/// Returns the statements of the top level, and whether each runs before the first request.
pub(super) fn statements(body: &[Stmt]) -> impl Iterator<Item = (&Stmt, bool)> {
    let started = started(body);
    let runs = move |stmt: &Stmt| defined(stmt).is_none_or(|name| started.contains(name));
    body.iter().map(move |stmt| (stmt, runs(stmt)))
}

/// Returns the functions and classes that are named by what runs when the script is loaded, by `init`,
/// or by others that are.
fn started(body: &[Stmt]) -> BTreeSet<&str> {
    let mut named: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
    for stmt in body {
        let mut found = Named::default();
        found.visit_stmt(stmt);
        named.entry(defined(stmt)).or_default().extend(found.names);
        // Decorators run when the function is defined.
        let mut found = Named::default();
        if let Stmt::FunctionDef(StmtFunctionDef { decorator_list, .. })
        | Stmt::ClassDef(StmtClassDef { decorator_list, .. }) = stmt
        {
            decorator_list.iter().for_each(|decorator| found.visit_decorator(decorator));
        }
        named.entry(None).or_default().extend(found.names);
    }
    let mut started = BTreeSet::new();
    let mut next: Vec<&str> = named.get(&None).into_iter().flatten().copied().collect();
    next.push("init");
    while let Some(name) = next.pop() {
        if let Some(names) = named.get(&Some(name))
            && started.insert(name)
        {
            next.extend(names);
        }
    }
    started
}

/// Returns the name of a function or class.
fn defined(stmt: &Stmt) -> Option<&str> {
    match stmt {
        Stmt::FunctionDef(function) => Some(function.name.as_str()),
        Stmt::ClassDef(class) => Some(class.name.as_str()),
        _ => None,
    }
}

/// The names in a piece of code.
#[derive(Default)]
struct Named<'a> {
    names: BTreeSet<&'a str>,
}

impl<'a> Visitor<'a> for Named<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::If(branch) if is_main(branch) => {}
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            self.names.insert(name.id.as_str());
        }
        walk_expr(self, expr);
    }
}

/// `if __name__ == "__main__":`, which a service does not run.
pub(super) fn is_main(branch: &StmtIf) -> bool {
    matches!(&*branch.test, Expr::Compare(compare)
        if matches!(&*compare.left, Expr::Name(name) if name.id.as_str() == "__name__"))
}

#[cfg(test)]
mod tests {
    use super::super::imports::collect;
    use super::super::position::Positions;

    #[test]
    fn what_runs_before_the_first_request_is_told_from_the_rest() {
        let text = "
import top
class Scorer(Base):
    import in_class
    def load(self):
        import in_method
class Other:
    def load(self):
        import in_unused
def init():
    helper()
def helper():
    import in_helper
    Scorer().load()
def run(data):
    import in_run
    more()
def more():
    import in_more
@decorated
def unused():
    import in_unused
def decorated(function):
    import in_decorator
if __name__ == '__main__':
    import in_main
    run(1)
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let imports = collect(&parsed.syntax().body, &Positions::new(text));
        let names = |at_start: bool| {
            let of =
                imports.iter().filter(|import| import.at_start == at_start && !import.optional);
            of.map(|import| import.module.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(true), ["top", "in_class", "in_method", "in_helper", "in_decorator"]);
        assert_eq!(names(false), ["in_unused", "in_run", "in_more", "in_unused"]);
    }
}
