//! Resolves many paths of a layer, one after the other, in time that grows with their length alone.

/// The folders above the last path that was resolved. Layers list paths in order, so most of them are above the next one
/// too.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The last path's folder as it was written.
    written: String,
    folders: Vec<Folder>,
}

#[derive(Debug)]
struct Folder {
    /// Where its written path ends.
    end: usize,
    /// Its real path, after symlinks.
    real: String,
    /// Whether nothing is there, or no directory.
    missing: bool,
}

/// What a name leads to in a folder.
pub(super) struct Step {
    /// Its real path.
    pub(super) real: String,
    /// Whether nothing is there, or no directory.
    pub(super) missing: bool,
}

impl Walk {
    /// Forgets what was resolved: a link was made or went away.
    pub(super) fn clear(&mut self) {
        self.folders.clear();
    }

    /// Returns the real path of an entry: symlinks in its existing parents are followed, not its own. `step` looks up a name in
    /// a folder given by its real path.
    pub(super) fn place(&mut self, path: &str, step: impl Fn(&str, &str) -> Step) -> String {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.enter(dir, step);
        join(self.real(), name)
    }

    /// Returns the real paths of the folders above the last entry that are missing, the outermost first.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().filter(|folder| folder.missing).map(|folder| &*folder.real)
    }

    /// Notes that the missing folders were made.
    pub(super) fn made(&mut self) {
        for folder in &mut self.folders {
            folder.missing = false;
        }
    }

    fn real(&self) -> &str {
        self.folders.last().map_or("", |folder| &folder.real)
    }

    fn enter(&mut self, dir: &str, step: impl Fn(&str, &str) -> Step) {
        while let Some(folder) = self.folders.last() {
            let above = &self.written[..folder.end];
            let rest = dir.strip_prefix(above);
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                break;
            }
            self.folders.pop();
        }
        let from = self.folders.last().map_or(0, |folder| folder.end);
        self.written.clear();
        self.written.push_str(dir);
        let mut start = from;
        while start < dir.len() {
            let start_of_name = if dir[start..].starts_with('/') { start + 1 } else { start };
            let end = dir[start_of_name..].find('/').map_or(dir.len(), |at| start_of_name + at);
            let name = &dir[start_of_name..end];
            let under_missing = self.folders.last().is_some_and(|folder| folder.missing);
            let Step { real, missing } = match under_missing {
                true => Step { real: join(self.real(), name), missing: true },
                false => step(self.real(), name),
            };
            self.folders.push(Folder { end, real, missing });
            start = end;
        }
    }
}

/// Returns the path of a name in a folder; `""` is the root.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}
