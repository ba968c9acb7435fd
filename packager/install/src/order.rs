//! The order in which pip installs a set of wheels: of a path that two have, the last one wins.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::wheel::requirements;
use mlpack_packages::wheel::archive::StoredWheel;

/// When each package is installed; a greater place is later.
#[derive(Debug)]
pub(crate) struct Order {
    level: BTreeMap<String, usize>,
}

impl Order {
    /// Reads what the wheels require of each other.
    pub(crate) fn of(wheels: &[StoredWheel]) -> Result<Self> {
        let names: BTreeSet<&str> = wheels.iter().map(|wheel| &*wheel.name).collect();
        let mut needs = BTreeMap::new();
        for wheel in wheels {
            let mut needed = requirements(wheel)?;
            needed.retain(|name| names.contains(&**name) && *name != wheel.name);
            needs.insert(wheel.name.clone(), needed);
        }
        Ok(Self::from_needs(needs))
    }

    /// Packages that need nothing come first, then those that need only these, and so on; a circle
    /// and what leads to one is the last level (pip looks for the longest way to each of those).
    fn from_needs(mut needs: BTreeMap<String, BTreeSet<String>>) -> Self {
        let mut level = BTreeMap::new();
        for number in 0.. {
            let mut free: Vec<String> = Vec::new();
            for (name, needed) in &needs {
                if needed.iter().all(|name| level.contains_key(name)) {
                    free.push(name.clone());
                }
            }
            let circle = free.is_empty();
            for name in if circle { needs.keys().cloned().collect() } else { free } {
                needs.remove(&name);
                level.insert(name, number);
            }
            if needs.is_empty() {
                break;
            }
        }
        Self { level }
    }

    /// Whether `one` is installed after `other`. Of one level pip takes names from the end of the
    /// alphabet to its beginning.
    pub(crate) fn is_later(&self, one: &str, other: &str) -> bool {
        let place = |name| (self.level.get(name), Reverse(name));
        place(one) > place(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_come_first_and_then_the_end_of_the_alphabet() {
        let needs = [
            ("app", &["b", "middle"][..]),
            ("b", &[]),
            ("middle", &["z"]),
            ("z", &[]),
            ("one", &["two"]),
            ("two", &["one"]),
        ];
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let needs = needs.map(|(name, needed)| (name.to_owned(), set(needed)));
        let order = Order::from_needs(needs.into_iter().collect());
        let mut names = ["one", "app", "middle", "b", "two", "z"];
        names.sort_by(|one, other| match order.is_later(one, other) {
            true => std::cmp::Ordering::Greater,
            false => std::cmp::Ordering::Less,
        });
        assert_eq!(names, ["z", "b", "middle", "app", "two", "one"]);
    }
}
