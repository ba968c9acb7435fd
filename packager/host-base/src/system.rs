//! The lower layer: the C library, a shell and the few files that programs look for.

use std::fs::File;
use std::io::Read as _;

use mlpack_oci::Progress;
use mlpack_oci::layer::{Node, Tree};
use walkdir::WalkDir;

use crate::libraries::{Libraries, Missing};
use crate::rooted::{Carrier, Root, inside};
use crate::{Error, Result, certificates, release};

/// Required by every program.
const ESSENTIAL: [&str; 2] = ["libc.so.6", "libm.so.6"];
/// Parts of the C library that newer versions include in `libc.so.6` and old programs need; the name
/// services are loaded by name.
const C_LIBRARY: [&str; 7] = [
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libnss_files.so.2",
    "libnss_dns.so.2",
];
/// Libraries that wheels may expect on any system (PEP 600 and PEP 599), and OpenMP.
const RUN_TIMES: [&str; 3] = ["libgcc_s.so.1", "libstdc++.so.6", "libgomp.so.1"];

/// Top folders; symlinks to `usr/...` are kept.
const FOLDERS: [&str; 9] =
    ["bin", "sbin", "lib", "lib64", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/local/bin"];
const EMPTY: [&str; 9] = ["dev", "etc", "home", "opt", "proc", "root", "run", "sys", "var/lib"];

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
    nonroot:x:65532:65532:nonroot:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n";
const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n";

/// The layer and the facts that the layer above needs.
pub(crate) struct System {
    pub(crate) tree: Tree,
    /// The folder of the C library without symlinks; the loader always searches it.
    pub(crate) library_dir: String,
    /// Name of the machine's system for display.
    pub(crate) name: String,
}

/// Collects the system layer. `loader` is the dynamic loader of the interpreter.
pub(crate) fn system(
    root: &Root,
    mut libraries: Libraries<'_>,
    loader: &str,
    progress: &dyn Progress,
) -> Result<System> {
    let mut carrier = Carrier::new(root, None);
    folders(&mut carrier)?;
    for library in ESSENTIAL {
        libraries.need_named(library).map_err(missing)?;
    }
    for library in C_LIBRARY {
        // Newer C libraries do not have them as files.
        let _ = libraries.need_named(library);
    }
    for library in RUN_TIMES {
        if libraries.need_named(library).is_err() {
            progress.note(&format!(
                "This machine has no {library}: packages that need it will not load in the assembled base"
            ));
        }
    }
    let shell = root.file("bin/sh").filter(|_| libraries.need("bin/sh").is_ok());
    match shell {
        Some(_) => carrier.carry("bin/sh")?,
        None => {
            progress.note("This machine has no working /bin/sh: the assembled base has no shell");
        }
    }
    carrier.carry(loader)?;
    for path in libraries.loaded.values() {
        carrier.carry(path)?;
    }
    let host_release = release_of(root);
    files(&mut carrier, host_release.as_deref())?;
    match certificates::bundle(root) {
        Some(bundle) => carrier.tree.add_bytes(certificates::PATH, bundle, false)?,
        None => progress.note(
            "This machine has no bundle of certificate authorities: programs in the assembled base cannot verify HTTPS",
        ),
    }
    let libc = libraries.loaded.get("libc.so.6").map_or("", String::as_str);
    let libc_dir = libc.rsplit_once('/').map_or("", |(dir, _)| dir);
    let library_dir = root.resolve(libc_dir).map_err(Error::io("read", &root.host(libc_dir)))?.real;
    Ok(System {
        tree: carrier.tree,
        library_dir,
        name: release::pretty_name(host_release.as_deref()),
    })
}

fn missing(Missing { library, needed_by }: Missing) -> Error {
    Error::LibraryMissing { library, needed_by }
}

fn folders(carrier: &mut Carrier<'_>) -> Result<()> {
    for folder in FOLDERS {
        let Ok(found) = carrier.root.resolve(folder) else { continue };
        carrier.links(&found.links)?;
        if !carrier.has(&found.real) {
            carrier.tree.insert(&found.real, Node::Directory { open: false })?;
        }
    }
    for folder in EMPTY {
        carrier.tree.insert(folder, Node::Directory { open: false })?;
    }
    for folder in ["tmp", "var/tmp"] {
        carrier.tree.insert(folder, Node::Directory { open: true })?;
    }
    carrier.tree.add_symlink("var/run", "/run")?;
    Ok(())
}

fn files(carrier: &mut Carrier<'_>, host_release: Option<&str>) -> Result<()> {
    let tree = &mut carrier.tree;
    tree.add_bytes("usr/lib/os-release", release::release(host_release).into_bytes(), false)?;
    tree.add_symlink("etc/os-release", "../usr/lib/os-release")?;
    tree.add_bytes("etc/passwd", PASSWD.as_bytes(), false)?;
    tree.add_bytes("etc/group", GROUP.as_bytes(), false)?;
    tree.add_bytes("etc/nsswitch.conf", NSSWITCH.as_bytes(), false)?;
    locale(carrier)
}

/// Adds all files of the locale `C.UTF-8`, since an incomplete one does not load. glibc 2.35 and newer
/// have it built in.
fn locale(carrier: &mut Carrier<'_>) -> Result<()> {
    for name in ["C.utf8", "C.UTF-8"] {
        let dir = format!("usr/lib/locale/{name}");
        let Ok(found) = carrier.root.resolve(&dir) else { continue };
        carrier.links(&found.links)?;
        let walk = WalkDir::new(carrier.root.host(&found.real)).sort_by_file_name();
        for entry in walk.into_iter().flatten().filter(|entry| entry.path().is_file()) {
            let below = entry.path().strip_prefix(carrier.root.host("")).unwrap_or(entry.path());
            carrier.carry(&inside(below)?)?;
        }
    }
    Ok(())
}

fn release_of(root: &Root) -> Option<String> {
    let found = root.file("etc/os-release").or_else(|| root.file("usr/lib/os-release"))?;
    let mut text = String::new();
    File::open(root.host(&found.real)).ok()?.take(release::MAX).read_to_string(&mut text).ok()?;
    Some(text)
}
