#!/bin/sh
# Kills candor at random moments while it imports, splits, forgets and trains, and looks each time whether the study is whole.
#
#   scripts/kill_study.sh [KILLS] [CANDOR] [PICTURES]
#
# KILLS: how often (200). CANDOR: the command (target/release/candor). PICTURES: a folder with one subfolder a class; without it
# 600 pictures are made. Needs sqlite3 or python3 for the check of the database.
set -eu
kills=${1:-200}
candor=$(realpath "${2:-target/release/candor}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if [ $# -ge 3 ]; then
    ln -s "$3" photos
else
    python3 - <<'PYTHON'
import os, struct, random
random.seed(1)
for kind, base in (("dark", 20), ("light", 150)):
    os.makedirs(f"photos/{kind}")
    for number in range(300):
        side = 48
        rows = b"".join(bytes(min(255, max(0, base + random.randrange(80))) for _ in range(3 * side)) for _ in range(side))
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
rows = {row[0] for row in db.execute("SELECT sha256 FROM picture WHERE reference IS NULL")}
for name in rows:
    with open(f"study/blobs/{name}", "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == name, name
if strict:
    assert set(os.listdir("study/blobs")) == rows, set(os.listdir("study/blobs")) ^ rows
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

done=0 ended=0 round=0
while [ $done -lt "$kills" ]; do
    round=$((round + 1))
    [ $((round % 5)) -ne 1 ] || rm -rf study run
    victim=$(find photos/ -name '*.bmp' -o -name '*.jpg' | sort | awk -v at="$(random 500)" 'NR == 1 || NR == at { file = $0 } END { print file }')
    train="train study --architecture mnist-cnn --height 28 --width 28 --epochs 4 --out run"
    [ ! -f run/recipe.toml ] || train="resume run"
    for verb in "import photos --study study" "split study --together none" "forget $victim --study study" "$train"; do
        [ $done -lt "$kills" ] || break
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
        split*) "$candor" split study --together none --quiet >out.txt 2>&1 || { cat out.txt; exit 1; } ;;
        forget*)
            "$candor" forget "$victim" --study study --quiet >out.txt 2>&1 || grep -q "knows nothing of it" out.txt || { cat out.txt; exit 1; }
            # What is read from it is in no file; a reader that was killed may have kept the log until now.
            "$candor" split study --together none --quiet >out.txt 2>&1 || { cat out.txt; exit 1; }
            check strict
            python3 - "$victim" <<'PYTHON'
import os, sys
piece = open(sys.argv[1], "rb").read()[600:664]
for folder, _, names in os.walk("study"):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            assert piece not in file.read(), f"{sys.argv[1]} is still in {folder}/{name}"
PYTHON
            rm -rf run
            ;;
        esac
    done
done
echo "$done kills, $ended commands that had ended before: the study was whole after each"
