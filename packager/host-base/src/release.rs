//! os-release of the image: the machine's, marked as assembled by mlpack.

/// The largest os-release that is read, in bytes.
pub(crate) const MAX: u64 = 64 << 10;

/// The value of `VARIANT`.
const VARIANT: &str = "assembled by mlpack from the files of the machine that built it";

/// Returns the machine's os-release with the origin and without support addresses, which are for a
/// supported product (os-release(5)).
pub(crate) fn release(host: Option<&str>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in host.unwrap_or("ID=linux\nNAME=Linux\n").lines() {
        let key = line.split('=').next().unwrap_or("").trim();
        if matches!(
            key,
            "VARIANT" | "VARIANT_ID" | "SUPPORT_URL" | "BUG_REPORT_URL" | "PRETTY_NAME" | ""
        ) {
            continue;
        }
        lines.push(line.trim_end().to_owned());
    }
    let name = pretty_name(host);
    let name = name.replace(['"', '\\', '$', '`'], "");
    lines.push(format!("PRETTY_NAME=\"{name}, assembled by mlpack from a machine's files\""));
    lines.push(format!("VARIANT=\"{VARIANT}\""));
    lines.push("VARIANT_ID=mlpack-host".to_owned());
    lines.join("\n") + "\n"
}

/// Returns the name of the machine's system for display, as in `Debian GNU/Linux 12 (bookworm)`.
pub(crate) fn pretty_name(host: Option<&str>) -> String {
    let field = |name: &str| {
        let value =
            host?.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim().trim_matches(['"', '\'']).to_owned())
    };
    field("PRETTY_NAME").or_else(|| field("NAME")).unwrap_or_else(|| "Linux".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_the_machines_and_says_what_it_is() {
        let host = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n\nVERSION_ID=\"12\"\nVARIANT=\"x\"\nBUG_REPORT_URL=\"https://bugs.debian.org/\"\n";
        assert_eq!(
            release(Some(host)),
            "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm), assembled by mlpack from a machine's files\"\nVARIANT=\"assembled by mlpack from the files of the machine that built it\"\nVARIANT_ID=mlpack-host\n"
        );
        assert_eq!(
            release(None).lines().take(3).collect::<Vec<_>>(),
            [
                "ID=linux",
                "NAME=Linux",
                "PRETTY_NAME=\"Linux, assembled by mlpack from a machine's files\""
            ]
        );
    }
}
