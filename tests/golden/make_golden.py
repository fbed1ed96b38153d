#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes images/ and golden.txt: small images in every flavour that is read, and what Pillow makes of them.

Needs Pillow only. golden.txt has a line for each image: its file name, then 16 x 12 RGB pixels, row by row.
The committed files are the reference: another Pillow may encode other bytes, so commit both or neither.
"""
import pathlib
import struct
import zlib

from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = HERE / "images"
WIDTH, HEIGHT = 16, 12
golden = {}


def scene(width, height):
    """Gradients, a dark disc and a light bar: no two corners are alike, so that every orientation shows."""
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            u, v = x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1)
            r, g, b = u, v, 255 - (u + v) // 2
            if (u - 70) ** 2 + (v - 90) ** 2 < 2500:
                r, g, b = r // 4, 40, 60
            if 170 < u < 200 and v > 120:
                r, g, b = 240, 230, 90
            pixels += bytes((r, g, b))
    return Image.frombytes("RGB", (width, height), bytes(pixels))


def over_white(image):
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")
    return image.convert("RGB")


def squash(image):
    """Box on the axes that shrink, then bilinear on those that grow."""
    shrunk = image.resize((min(WIDTH, image.width), min(HEIGHT, image.height)), Image.Resampling.BOX)
    return shrunk.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)


def remember(name, image=None):
    """What Pillow reads from the file, or `image` where Pillow can't read that flavour faithfully."""
    if image is None:
        with Image.open(IMAGES / name) as opened:
            image = over_white(ImageOps.exif_transpose(opened))
    golden[name] = list(squash(image).tobytes())


def save(name, image, **options):
    image.save(IMAGES / name, **options)
    remember(name)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, size, depth, colour, rows, interlaced=0):
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    (IMAGES / name).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def make_jpegs():
    image = scene(160, 120)
    save("baseline.jpg", image, quality=88, subsampling="4:2:0")
    save("baseline444.jpg", image, quality=88, subsampling="4:4:4")
    save("restart.jpg", image, quality=88, restart_marker_rows=1)
    save("progressive.jpg", image, quality=88, progressive=True)
    save("grey.jpg", image.convert("L"), quality=88)
    save("grey_progressive.jpg", image.convert("L"), quality=88, progressive=True)
    inks = ImageOps.invert(image).split()
    black = Image.linear_gradient("L").resize(image.size).point(lambda v: v // 2)
    save("cmyk.jpg", Image.merge("CMYK", (*inks, black)), quality=88)
    # Pillow writes no YCCK: give it Y, Cb, Cr as three of the inks and say so in the Adobe marker.
    luma = ImageOps.invert(image.convert("YCbCr").convert("RGB")).convert("YCbCr").split()
    image.info.clear()
    Image.merge("CMYK", (*(ImageOps.invert(plane) for plane in luma), black)).save(IMAGES / "ycck.jpg", quality=88)
    data = bytearray((IMAGES / "ycck.jpg").read_bytes())
    data[data.index(b"Adobe") + 11] = 2
    (IMAGES / "ycck.jpg").write_bytes(data)
    remember("ycck.jpg")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = scene(96, 64)
        save(f"orientation{orientation}.jpg", stored, quality=80, exif=exif)
    tall = scene(64, 480)
    save("tall.jpg", tall, quality=80, subsampling="4:2:0")
    save("tall_progressive.jpg", tall, quality=80, subsampling="4:2:0", progressive=True)
    for name in ("tall", "tall_progressive"):
        data = (IMAGES / f"{name}.jpg").read_bytes()
        for percent in (99, 80, 10):
            (IMAGES / f"{name}_cut{percent}.jpg").write_bytes(data[: len(data) * percent // 100])
    save("upright_8x8.png", scene(8, 8))
    save("wide_100x6.png", scene(100, 6))
    save("narrow_7x90.png", scene(7, 90))


def make_pngs():
    image = scene(60, 45)
    alpha = Image.linear_gradient("L").resize(image.size)
    rgba = image.copy()
    rgba.putalpha(alpha)
    save("rgb.png", image)
    save("rgba.png", rgba)
    save("grey.png", image.convert("L"))
    save("grey_alpha.png", rgba.convert("LA"))
    # A whole multiple of the target: Pillow's box takes or leaves a pixel, it never splits one, which dithering shows.
    save("bilevel.png", scene(64, 48).convert("1"))
    palette = image.quantize(16)
    save("palette.png", palette)
    save("palette_transparent.png", palette, transparency=3)
    pixels, (width, height) = image.tobytes(), image.size

    def deep(x, y):
        at = 3 * (y * width + x)
        return b"".join(bytes((value, 37)) for value in pixels[at : at + 3])

    png("rgb16.png", image.size, 16, 2, [b"".join(deep(x, y) for x in range(width)) for y in range(height)])
    remember("rgb16.png", image)
    blended = rgba.tobytes()
    rows = []
    for x0, y0, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for y in range(y0, height, dy):
            rows.append(b"".join(blended[4 * (y * width + x) :][:4] for x in range(x0, width, dx)))
    png("rgba_interlaced.png", image.size, 8, 6, rows, interlaced=1)
    remember("rgba_interlaced.png")


def make_webps_and_gifs():
    image = scene(120, 90)
    other = ImageOps.flip(image)
    rgba = image.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(image.size))
    save("lossy.webp", image, quality=85)
    save("lossless.webp", scene(60, 45), lossless=True)
    save("alpha.webp", rgba, quality=85)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("orientation6.webp", image, quality=85, exif=exif)
    save("animated.webp", image, quality=70, save_all=True, append_images=[other], duration=100)
    small = scene(60, 45).quantize(32)
    save("interlaced.gif", small)
    save("plain.gif", small, interlace=0)
    save(
        "animated.gif",
        small,
        save_all=True,
        append_images=[scene(60, 45).transpose(Image.Transpose.ROTATE_180).quantize(32)],
        duration=100,
    )
    save("transparent.gif", small, transparency=5)


def main():
    IMAGES.mkdir(exist_ok=True)
    make_jpegs()
    make_pngs()
    make_webps_and_gifs()
    lines = (" ".join([name, *map(str, values)]) for name, values in golden.items())
    (HERE / "golden.txt").write_text("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
