#!/usr/bin/env python3
"""A terminal screen as a picture: `tmux capture-pane -p -e` on standard input, the PNG's name as the argument.

Needs pillow and pyte (`install-shot` puts them into .tools/py) and the font DejaVu Sans Mono.
"""
import sys

import pyte
from PIL import Image, ImageDraw, ImageFont

INK, PAPER = "e0e2ea", "14161b"
NAMES = {"black": "000000", "red": "cc4444", "green": "44aa44", "brown": "bbaa33", "yellow": "bbaa33", "blue": "5577dd",
         "magenta": "bb55bb", "cyan": "44aaaa", "white": "dddddd"}
SIZE, SCALE = 15, 1.28


def colour(name, default):
    name = default if name == "default" else NAMES.get(name.replace("bright", ""), name)
    return tuple(int(name[i:i + 2], 16) for i in (0, 2, 4))


def font(bold):
    try:
        return ImageFont.truetype("DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf", SIZE)
    except OSError:
        return ImageFont.load_default()


text = sys.stdin.read().split("\n")
rows = max(len(text) - 1, 1)
columns = int(sys.argv[2]) if len(sys.argv) > 2 else 110
screen = pyte.Screen(columns, rows)
pyte.Stream(screen).feed("\r\n".join(text[:rows]))
fonts = {False: font(False), True: font(True)}
w, h = int(fonts[False].getlength("M")), int(SIZE * SCALE)
picture = Image.new("RGB", (columns * w, rows * h), colour("default", PAPER))
draw = ImageDraw.Draw(picture)
for y in range(rows):
    for x in range(columns):
        cell = screen.buffer[y][x]
        fg, bg = colour(cell.fg, INK), colour(cell.bg, PAPER)
        if cell.reverse:
            fg, bg = bg, fg
        draw.rectangle([x * w, y * h, (x + 1) * w - 1, (y + 1) * h - 1], fill=bg)
        if cell.data.strip():
            draw.text((x * w, y * h), cell.data, font=fonts[cell.bold], fill=fg)
        for on, at in ((cell.underscore, h - 2), (cell.strikethrough, h // 2)):
            if on:
                draw.line([x * w, y * h + at, (x + 1) * w, y * h + at], fill=fg)
picture.save(sys.argv[1])
