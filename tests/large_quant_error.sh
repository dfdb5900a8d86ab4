#!/usr/bin/env bash
# By hand: quant-error over a checkpoint of 1 GB in page cache, 12 formats.  Prints the time and the
# peak memory; the mapped file is part of the peak.
#   tests/large_quant_error.sh PROGRAM [FOLDER]
set -euo pipefail
program=${1:?usage: large_quant_error.sh PROGRAM [FOLDER]}
folder=${2:-$(mktemp -d)}
file=$folder/large.safetensors
mkdir -p "$folder"
[ -f "$file" ] || python3 - "$file" <<'EOF'
import array, json, random, struct, sys
rows = cols = 4096
draw = random.Random(1)
tile = array.array("f", (draw.gauss(0, 0.02) for _ in range(1 << 20))).tobytes()
size, header, at = rows * cols * 4, {}, 0
for i in range(16):
    header[f"layers.{i}.weight"] = {"dtype": "F32", "shape": [rows, cols],
                                    "data_offsets": [at, at + size]}
    at += size
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text)
    for _ in range(at // len(tile)):
        f.write(tile)
EOF
cat "$file" >/dev/null # into page cache
/usr/bin/env time -f '%e s, peak %M KiB with the mapped file' "$program" analyze quant-error "$file" \
    --formats int4,int8,nf4,sf4,af4,crd-normal4,crd-laplace4,crd-t4,e2m1,e3m2,e4m3,e5m2 \
    --scaling block-absmax --out "$folder/out" --no-plots
