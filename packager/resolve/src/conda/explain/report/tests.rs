use std::path::Path;

use rattler_conda_types::{
    GenericVirtualPackage, MatchSpec, PackageName, PackageRecord, ParseStrictness, RepoDataRecord,
    package::BuildString,
};
use rattler_solve::ExcludeNewer;

use super::super::conflict::conflict;
use super::*;
use crate::exclude_newer;
use mlpack_packages::Settings;
use mlpack_requirements::CondaFile;

/// A package of a channel: name, version, build, what it needs, what it bounds.
fn record(
    channel: &str,
    name: &str,
    version: &str,
    build: &str,
    depends: &[&str],
    constrains: &[&str],
) -> RepoDataRecord {
    let version: rattler_conda_types::Version = version.parse().unwrap();
    let mut of = PackageRecord::new(
        PackageName::new_unchecked(name),
        version.clone(),
        BuildString::new_unchecked(build),
    );
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    (of.depends, of.constrains) = (texts(depends), texts(constrains));
    let file = format!("{name}-{version}-{build}.conda");
    let base = format!("https://conda.anaconda.org/{channel}/");
    RepoDataRecord {
        package_record: of,
        identifier: file.parse().unwrap(),
        url: format!("{base}linux-64/{file}").parse().unwrap(),
        channel: Some(base),
    }
}

fn simple(name: &str, version: &str, depends: &[&str]) -> RepoDataRecord {
    record("main", name, version, "0", depends, &[])
}

/// The report for these lines and packages, on an image with glibc 2.17.
fn report(lines: &[&str], records: &[RepoDataRecord], day: Option<&str>) -> String {
    let lines: String = lines.iter().map(|line| format!("  - {line}\n")).collect();
    let text = format!("channels: [main, extra]\ndependencies:\n{lines}");
    let file = CondaFile::parse(&text, Path::new("/project/env.yml")).unwrap();
    let mut channels = Channels::of(&file, &Settings::new("/nowhere")).unwrap();
    let mut specs = Vec::new();
    for dependency in &file.dependencies {
        let mut spec =
            MatchSpec::from_str(&dependency.spec.text, ParseStrictness::Lenient).unwrap();
        if let Some(name) = &dependency.spec.channel {
            spec.channel = channels.named(name).unwrap().map(Into::into);
        }
        specs.push(spec);
    }
    let glibc = GenericVirtualPackage {
        name: PackageName::new_unchecked("__glibc"),
        version: "2.17".parse().unwrap(),
        build_string: BuildString::new_unchecked("0"),
    };
    let of =
        |name: &str| records.iter().filter(|record| record.url.path().contains(name)).collect();
    let query = Query {
        records: vec![of("/main/"), of("/extra/")],
        specs,
        virtual_packages: vec![glibc],
        exclude_newer: day
            .map(|day| ExcludeNewer::from_datetime(exclude_newer::parse(day).unwrap())),
    };
    let lines = &file.dependencies;
    let reporter =
        ConflictReporter { query: &query, lines, channels: &channels, exclude_newer: day };
    let reported = reporter.report(&conflict(&query).unwrap());
    format!("{}\n-> {}", reported.reason, reported.hint)
}

#[test]
fn long_lists_of_versions_and_bounds() {
    let pythons =
        ["3.6", "3.7", "3.8", "3.9", "3.11"].map(|version| simple("python", version, &[]));
    let mut records = pythons.to_vec();
    for (minor, python) in (0..12).zip(["3.6", "3.7", "3.8", "3.9"].iter().cycle()) {
        let wish = format!("python {python}.*");
        records.push(simple("numpy", &format!("1.{minor}"), &[&wish]));
    }
    assert_eq!(
        report(&["python=3.11", "numpy"], &records, None),
        "`numpy` (line 4) is available as 1.0 to 1.11 (12 versions), which need `python 3.6.*`, \
         `python 3.7.*`, `python 3.8.*` or `python 3.9.*`.\n\
         Because an environment has one version of python, 3.11 for `python=3.11` (line 3), \
         3.9 for `python 3.9.*`, 3.8 for `python 3.8.*` and 2 more cannot all be there.\n\
         So lines 3 and 4 cannot be met together.\n\
         -> loosen one of the lines named above, or leave it out"
    );
}

#[test]
fn what_a_package_allows_beside_it() {
    let records =
        [record("main", "left", "1.0", "0", &[], &["right <2"]), simple("right", "2.0", &[])];
    assert_eq!(
        report(&["left", "right"], &records, None),
        "`left` (line 3) is available as 1.0, which goes only with `right <2`.\n\
         `right` (line 4) is available as 2.0.\n\
         Because an environment has one version of right, 2.0 for `right` (line 4) and what `right <2` allows cannot both be there.\n\
         So lines 3 and 4 cannot be met together.\n\
         -> loosen one of the lines named above, or leave it out"
    );
    let records = [record("main", "left", "1.0", "0", &[], &["__glibc >=2.28"])];
    assert_eq!(
        report(&["left"], &records, None),
        "`left` (line 3) is available as 1.0, which goes only with `__glibc >=2.28`.\n\
         Because the base image has glibc 2.17, what goes only with `__glibc >=2.28` is out.\n\
         So line 3 cannot be met.\n\
         -> use a newer base image"
    );
}

#[test]
fn builds_and_names_that_are_not_there() {
    let records = [
        record("main", "a", "1.0", "py36_0", &[], &[]),
        record("main", "a", "1.0", "py37_0", &[], &[]),
        simple("b", "1.0", &["gone >=2"]),
    ];
    assert_eq!(
        report(&["a=1.0=py38*"], &records, None),
        "Because a 1.0 exists only in the builds `py36_0` and `py37_0`, nothing meets `a=1.0=py38*` (line 3).\n\
         -> request a build that exists"
    );
    assert_eq!(
        report(&["b"], &records, None),
        "`b` (line 3) is available as 1.0, which needs `gone >=2`.\n\
         Because no channel has a package gone, nothing meets `gone >=2`.\n\
         So line 3 cannot be met.\n\
         -> add the channel that has gone"
    );
}

#[test]
fn some_are_out_of_the_question_and_others_not() {
    let mut new = simple("a", "2.0", &[]);
    new.package_record.timestamp =
        Some("2020-04-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().into());
    let mut old = simple("a", "1.0", &["b 1.*"]);
    old.package_record.timestamp =
        Some("2019-04-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().into());
    let undated = simple("c", "1.0", &[]);
    let records = [old, new, undated];
    assert_eq!(
        report(&["a"], &records, Some("2019-05-05")),
        "For `a` (line 3): a 1.0 needs `b 1.*`; a 2.0 was uploaded on 2020-04-01, after --exclude-newer 2019-05-05.\n\
         Because no channel has a package b, nothing meets `b 1.*`.\n\
         So line 3 cannot be met.\n\
         -> add the channel that has b; use --exclude-newer 2020-04-01 to include a 2.0"
    );
    assert_eq!(
        report(&["c"], &records, Some("2019-05-05")),
        "Because c 1.0 has no date and --exclude-newer 2019-05-05 was given, nothing meets `c` (line 3).\n\
         -> loosen or pin the lines named above"
    );
}

#[test]
fn channels_that_are_in_front_or_named() {
    let records = [
        simple("a", "1.0", &[]),
        record("extra", "a", "2.0", "0", &[], &[]),
        record("extra", "a", "2.1", "0", &[], &[]),
    ];
    assert_eq!(
        report(&["a>=2"], &records, None),
        "Because a 2.0 and 2.1 is in extra, and main, which has priority, has a too (1.0), nothing meets `a>=2` (line 3).\n\
         -> put extra before main below `channels:`, or write `extra::a`"
    );
    assert_eq!(
        report(&["main::a>=2"], &records, None),
        "Because a 2.0 and 2.1 is in extra, not in the channel that the line names, nothing meets `a>=2` (line 3).\n\
         -> request a version of a that the named channel has"
    );
}
