//! Which package goes into which layer, so that a changed package makes few layers change, and the
//! same packages are always in the same layers.

use mlpack_oci::Digest;

/// A package smaller than this, in bytes, does not get a separate layer.
const LARGE: u64 = 4 << 20;

/// Layers that small packages share.
const SHARED: usize = 4;

/// A package to assign to a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    /// In bytes.
    pub(super) size: u64,
}

/// Returns packages by layer, as positions in `items`; at most `budget` layers, and at least one.
/// The largest have a layer each, in their order; the others share a few, chosen by name alone, so
/// that adding, removing or changing a package leaves all other layers as they are. If they are
/// small together, they share one.
pub(super) fn group(items: &[Item<'_>], budget: usize) -> Vec<Vec<usize>> {
    let mut shared = SHARED.min(budget.div_ceil(3)).max(1);
    let mut large: Vec<usize> = (0..items.len()).filter(|&i| items[i].size >= LARGE).collect();
    large.sort_by_key(|&i| (std::cmp::Reverse(items[i].size), items[i].name));
    large.truncate(budget.saturating_sub(shared));
    let small = (0..items.len()).filter(|number| !large.contains(number));
    if small.map(|number| items[number].size).sum::<u64>() < LARGE {
        shared = 1;
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); shared];
    for (number, item) in items.iter().enumerate() {
        if !large.contains(&number) {
            let hash = Digest::of(item.name.as_bytes()).hex();
            let bucket = usize::from_str_radix(&hash[..4], 16).unwrap_or(0) % shared;
            groups[bucket].push(number);
        }
    }
    // The first shared layer also has the files that belong to no package.
    let mut first = true;
    groups.retain(|group| std::mem::take(&mut first) || !group.is_empty());
    large.sort_unstable();
    large.into_iter().map(|number| vec![number]).chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(items: &[(&str, u64)], budget: usize) -> Vec<Vec<String>> {
        let items: Vec<_> = items.iter().map(|&(name, size)| Item { name, size }).collect();
        let groups = group(&items, budget);
        groups.iter().map(|g| g.iter().map(|&i| items[i].name.to_owned()).collect()).collect()
    }

    const MEBI: u64 = 1 << 20;

    #[test]
    fn large_ones_are_alone_and_small_ones_stay_where_they_are() {
        let some =
            [("flask", 3 * MEBI), ("numpy", 80 * MEBI), ("scipy", 100 * MEBI), ("six", 2 * MEBI)];
        let before = named(&some, 12);
        assert_eq!(before[..2], [["numpy"], ["scipy"]]);
        let more = [&some[..], &[("click", 5), ("jinja2", 5), ("werkzeug", 5)]].concat();
        let after = named(&more, 12);
        let with = |groups: &[Vec<String>], name: &str| {
            let mut group =
                groups.iter().find(|group| group.iter().any(|n| n == name)).unwrap().clone();
            group.retain(|name| some.iter().any(|(known, _)| known == name));
            group
        };
        for (name, _) in some {
            assert_eq!(with(&before, name), with(&after, name));
        }
        assert_eq!(after.iter().map(Vec::len).sum::<usize>(), more.len());
    }

    #[test]
    fn the_budget_holds() {
        let names: Vec<String> = (0..40).map(|n| format!("package-{n}")).collect();
        let many: Vec<(&str, u64)> = names.iter().map(|name| (&**name, 50 * MEBI)).collect();
        for budget in 1..20 {
            let groups = named(&many, budget);
            assert!((1..=budget).contains(&groups.len()), "{budget}: {}", groups.len());
            assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), many.len());
        }
        assert_eq!(named(&[], 12), [Vec::<String>::new()]);
        let few = ["a", "b", "c", "d", "e"].map(|name| (name, 1));
        assert_eq!(named(&few, 12), [["a", "b", "c", "d", "e"]]);
    }
}
