#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The golden image by the text of docs/model-format.md; prints the checksums that golden_test.cpp holds."""
import hashlib

MASK = 0xFFFFFFFF


def mix(x):
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def hashed(seed, *rest):
    h = mix(seed ^ 0x9E3779B9)
    for value in rest:
        h = mix((h + value) & MASK)
    return h


def blobs(seed, plane, x, y, side):
    total = 0
    for k in range(4):
        cell = max(1, side >> (k + 1))
        fade = []
        for position in (x, y):
            t = ((position % cell) * 256 + 128) // cell
            fade.append((t * t * (768 - 2 * t)) >> 16)
        corner = [[hashed(seed, plane, k, x // cell + dx, y // cell + dy) >> 24 for dx in (0, 1)] for dy in (0, 1)]
        upper, lower = (row[0] * (256 - fade[0]) + row[1] * fade[0] for row in corner)
        total += ((upper * (256 - fade[1]) + lower * fade[1]) >> 16) * (8 >> k)
    return total


def golden_image(seed, width, height):
    side = max(width, height)
    out = bytearray()
    for y in range(height):
        for x in range(width):
            light = blobs(seed, 3, x, y, side)
            for channel in range(3):
                level = (3 * light + blobs(seed, channel, x, y, side)) // 60
                grain = (hashed(seed, channel, 255, x, y) >> 28) - 8
                out.append(min(255, max(0, 128 + (level - 128) * 2 + grain)))
    return bytes(out)


class Generator:
    def __init__(self, seed):
        self.state = seed ^ 0x9E3779B9

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) & MASK
        return self.state >> 24

    def grid(self, n):
        rows = []
        for _ in range(n + 1):
            row = []
            for _ in range(n + 1):
                light = self.next()
                row.append([(3 * light + self.next()) // 4 for _ in range(3)])
            rows.append(row)
        return rows


def sample(grid, n, x, y, width, height):
    p, q = x * n * 256 // width, y * n * 256 // height
    i, t, j, u = p >> 8, p & 255, q >> 8, q & 255
    rows = [[grid[j + k][i][c] * (256 - t) + grid[j + k][i + 1][c] * t for c in range(3)] for k in (0, 1)]
    return [(rows[0][c] * (256 - u) + rows[1][c] * u) >> 16 for c in range(3)]


def golden_image_2(seed, width, height):
    generator = Generator(seed)
    coarse, fine = generator.grid(4), generator.grid(16)
    out = bytearray()
    for y in range(height):
        for x in range(width):
            generator.next()
            far, near = sample(coarse, 4, x, y, width, height), sample(fine, 16, x, y, width, height)
            for channel in range(3):
                grain = ((generator.state >> (28 - 4 * channel)) & 15) - 8
                level = (far[channel] + near[channel]) // 2
                out.append(min(255, max(0, 128 + (level - 128) * 2 + grain)))
    return bytes(out)


if __name__ == "__main__":
    for function in (golden_image, golden_image_2):
        for arguments in ((1, 128, 128), (4_000_000_000, 37, 20)):
            print(function.__name__, arguments, hashlib.sha256(function(*arguments)).hexdigest())
