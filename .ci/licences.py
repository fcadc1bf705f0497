"""Fails if a dependency comes under a licence that MIT OR Apache-2.0 software cannot be shipped with."""
import re
import subprocess
import sys

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib", "bzip2-1.0.6", "MPL-2.0", "NCSA",
    # Fonts inside the window: they may be shipped with any software.
    "OFL-1.1", "Ubuntu-font-1.0",
}


def allowed(expression):
    """Whether an SPDX expression can be met: OR needs one side, AND both; the old slash means OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    merged = []
    for token in tokens:
        if merged and (token == "WITH" or merged[-1].endswith(" WITH")):
            merged[-1] += " " + token
        else:
            merged.append(token)

    def alternatives(at):
        value, at = conjunction(at)
        while at < len(merged) and merged[at] == "OR":
            other, at = conjunction(at + 1)
            value = value or other
        return value, at

    def conjunction(at):
        value, at = single(at)
        while at < len(merged) and merged[at] == "AND":
            other, at = single(at + 1)
            value = value and other
        return value, at

    def single(at):
        if merged[at] == "(":
            value, at = alternatives(at + 1)
            return value, at + 1
        return merged[at] in ALLOWED, at + 1

    return alternatives(0)[0]


def main():
    # Every package that is compiled for some system, with the features in use.
    tree = ["cargo", "tree", "--workspace", "--locked", "--target", "all", "--prefix", "none", "--format", "{p}|{l}"]
    lines = {line.removesuffix(" (*)") for line in subprocess.check_output(tree, text=True).splitlines() if line}
    packages = sorted({tuple(line.replace(" (proc-macro)", "").rsplit("|", 1)) for line in lines})
    refused = [(name, licence) for name, licence in packages if not licence or not allowed(licence)]
    for name, licence in refused:
        print(f"licence not allowed: {name}: {licence or 'none stated'}")
    print(f"{len(packages)} packages, {len(refused)} with a licence that is not allowed")
    return 1 if refused or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
