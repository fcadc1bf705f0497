"""Cuts the window's fonts down to the signs that the program shows, for the page: `python3 web/fonts/subset.py`.

Needs fonttools and the fonts of egui (the crate epaint_default_fonts, wherever cargo keeps it). Run it again when a new sign is used; what is missing a
browser draws with a font of its own, if it has one.
"""
import glob
import os
import pathlib

from fontTools import subset
from fontTools.ttLib import TTFont

here = pathlib.Path(__file__).parent
root = here.parent.parent
fonts = sorted(glob.glob(os.path.expanduser("~/.cargo/registry/src/*/epaint_default_fonts-*/fonts")))[-1]

signs = {chr(code) for code in range(0x20, 0x7F)} | {chr(code) for code in range(0xA0, 0x180)}
signs |= {chr(code) for code in range(0x391, 0x3CA) if code != 0x3A2}
for folder in ["app/src", "core/src"]:
    for file in (root / folder).rglob("*.rs"):
        signs |= {sign for sign in file.read_text() if ord(sign) > 0x7F}
# What egui's own widgets draw.
signs |= set("⏵⏷⏶⏴✔✖…−×·•¶§°±²³")

missing = set(signs)
for name, wanted in [("Ubuntu-Light", None), ("Hack-Regular", {chr(code) for code in range(0x20, 0x7F)} | set("αβγδεκλμτνωΩ−×·…≤≥‖∝∇←")), ("NotoEmoji-Regular", None), ("emoji-icon-font", None)]:
    font = TTFont(f"{fonts}/{name}.ttf")
    there = {chr(code) for code in font.getBestCmap()}
    # The first font that has a sign shows it, so the others need not.
    chosen = (wanted if wanted is not None else missing) & there
    if wanted is None:
        missing -= chosen
    options = subset.Options()
    options.hinting = False
    options.name_IDs = ["*"]
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(chosen)))
    cutter.subset(font)
    font.save(here / f"{name}.ttf")
    print(name, len(chosen), (here / f"{name}.ttf").stat().st_size)
print("in no font:", "".join(sorted(sign for sign in missing if ord(sign) > 0x180)))
