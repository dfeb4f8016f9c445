#!/bin/sh
# Kills candor at random moments while it imports, crops, splits, exports, forgets and trains, and looks each time whether the study
# is whole, and whether what was forgotten is in an export that was killed.
#
#   scripts/kill_study.sh [KILLS] [CANDOR] [PICTURES]
#
# KILLS: how often (200). CANDOR: the command (target/release/candor). PICTURES: a folder with one subfolder a class; without it
# 200 pictures are made, every fourth with a face. Needs python3 for the check of the database.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
kills=${1:-200}
candor=$(realpath "${2:-target/release/candor}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if [ $# -ge 3 ]; then
    ln -s "$3" photos
else
    python3 - "$here/crates/candor-data/tests/fixtures/faces/astronaut.pgm" <<'PYTHON'
import os, struct, sys, random
random.seed(1)
side = 120
face = open(sys.argv[1], "rb").read()[-side * side:]
for kind, base in (("dark", 20), ("light", 120)):
    os.makedirs(f"photos/{kind}")
    for number in range(100):
        def value(row, column):
            # Rows go from the bottom to the top. Noise everywhere, so that no picture has bytes of another.
            grey = face[(side - 1 - row) * side + column] // 2 if number % 4 == 0 else 0
            return min(255, base + grey + random.randrange(12 if number % 4 == 0 else 80))
        rows = b"".join(bytes(value(row, at // 3) for at in range(3 * side)) for row in range(side))
        header = b"BM" + struct.pack("<IIIIiiHHIIiiII", 54 + len(rows), 0, 54, 40, side, side, 1, 24, 0, 0, 2835, 2835, 0, 0)
        open(f"photos/{kind}/{number:03}.bmp", "wb").write(header + rows)
PYTHON
fi

# The database is sound, every row has its blob with the right bytes, and after a verb that writes no blob lacks its row.
check() {
    python3 - "$1" <<'PYTHON'
import hashlib, os, sqlite3, sys
strict = sys.argv[1] == "strict"
if not os.path.exists("study/study.db"):
    sys.exit(0)
db = sqlite3.connect("study/study.db")
assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
assert not db.execute("PRAGMA foreign_key_check").fetchall()
if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'picture'").fetchall():
    sys.exit(0)
kept = {"blobs": {row[0] for row in db.execute("SELECT sha256 FROM picture WHERE reference IS NULL")}, "derived": set()}
if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'face'").fetchall():
    kept["derived"] = {row[0] for row in db.execute("SELECT crop FROM face WHERE crop IS NOT NULL")}
for folder, rows in kept.items():
    for name in rows:
        with open(f"study/{folder}/{name}", "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == name, name
    if strict and os.path.isdir(f"study/{folder}"):
        there = set(os.listdir(f"study/{folder}")) - {"crops.html", "failures.jsonl"}
        assert there == rows, there ^ rows
PYTHON
}

# Starts the command and kills it after so many milliseconds; true when it was killed.
kill_after() {
    milliseconds=$1
    shift
    "$candor" "$@" --quiet >out.txt 2>&1 &
    process=$!
    python3 -c "import time; time.sleep($milliseconds / 1000)"
    kill -9 $process 2>/dev/null || true
    # Told by how it ended: a process that had ended by itself can still be sent a signal.
    status=0
    wait $process 2>/dev/null || status=$?
    [ $status -eq 137 ]
}

random() { od -An -N2 -tu2 /dev/urandom | awk -v most="$1" '{ print 1 + $1 % most }'; }

train="train study --architecture mnist-cnn --height 28 --width 28 --epochs 4"
done=0 ended=0 round=0
while [ $done -lt "$kills" ]; do
    round=$((round + 1))
    [ $((round % 5)) -ne 1 ] || rm -rf study out
    victim=$(find photos/ -name '*.bmp' -o -name '*.jpg' | sort | awk -v at="$(random 200)" 'NR == 1 || NR == at { file = $0 } END { print file }')
    for verb in "import photos --study study" "crop study --size 32" "split study --together none" \
        "export study --to class-folders --out out" "forget $victim --study study" "$train --out run"; do
        [ $done -lt "$kills" ] || break
        case $verb in export*) rm -rf out ;; esac
        # shellcheck disable=SC2086
        # Each kind of verb has a limit of its own that follows how long it takes.
        kind=${verb%% *}
        eval "most=\${most_$kind:-600}"
        if kill_after "$(random "$most")" $verb; then
            done=$((done + 1)) most=$((most * 6 / 5 + 1))
        else
            ended=$((ended + 1)) most=$((most * 4 / 5 + 1))
        fi
        eval "most_$kind=$most"
        check loose
        case $verb in
        import*)
            "$candor" import photos --study study --quiet >out.txt 2>&1 || { cat out.txt; exit 1; }
            check strict
            ;;
        crop*)
            "$candor" crop study --size 32 --quiet >out.txt 2>&1 || { cat out.txt; exit 1; }
            check strict
            ;;
        split*) "$candor" split study --together none --quiet >out.txt 2>&1 || { cat out.txt; exit 1; } ;;
        forget*)
            "$candor" forget "$victim" --study study --quiet >out.txt 2>&1 || grep -q "knows nothing of it" out.txt || { cat out.txt; exit 1; }
            # What is read from it is in no file; a reader that was killed may have kept the log until now.
            "$candor" split study --together none --quiet >out.txt 2>&1 || { cat out.txt; exit 1; }
            check strict
            python3 - "$victim" <<'PYTHON'
import os, sys
piece = open(sys.argv[1], "rb").read()[600:664]
for folder, _, names in [*os.walk("study"), *os.walk("out")]:
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            assert piece not in file.read(), f"{sys.argv[1]} is still in {folder}/{name}"
PYTHON
            ;;
        train*)
            # Gone on with, it gives the same bits as a training that nobody disturbed.
            if [ -f run/recipe.toml ]; then go_on="resume run"; else go_on="$train --out run"; rm -rf run; fi
            # shellcheck disable=SC2086
            "$candor" $go_on --quiet >out.txt 2>&1 || { cat out.txt; exit 1; }
            # shellcheck disable=SC2086
            "$candor" $train --out calm --quiet >out.txt 2>&1 || { cat out.txt; exit 1; }
            cmp run/model.safetensors calm/model.safetensors
            rm -rf run calm
            ;;
        esac
    done
done
echo "$done kills, $ended commands that had ended before: the study was whole after each"
