#!/bin/bash
# Builds and tests tchdb: c-tests/table and a test of its own, plain, under the
# sanitizers and valgrind; with a database made by tchmgr as kumofs stores it; killed in
# the middle of writing; on a full disk (as root: it mounts a small tmpfs).
#
#     plugins/tokyocabinet/test.sh [plain]
#
# With `plain`, without sanitizers and valgrind. KUMO_KILLS is the number of kills (20). CC
# is honoured. What this machine lacks is skipped; with KUMO_TEST_NO_SKIP=1 that is a
# failure.
#
# libtokyocabinet itself is not built for the sanitizers: they see our code, its use of
# malloc and the locks. Nothing is suppressed.
set -euo pipefail
only=${1:-all}
cd "$(dirname "$0")"

CC=${CC:-gcc}
INCLUDE=$(cd "${KUMO_INCLUDE:-../../include}" && pwd)
TESTS=../../c-tests
KILLS=${KUMO_KILLS:-20}
TMP=$(mktemp -d)
mounted=
trap '[ -z "$mounted" ] || umount "$mounted"; rm -rf "$TMP"' EXIT
export KUMO_TEST_REENTRANT=1
. "$TESTS/check.sh"

if ! echo '#include <tchdb.h>
int main(void) { tchdbdel(tchdbnew()); return 0; }' |
    $CC -x c - -ltokyocabinet -o "$TMP/probe" 2>/dev/null; then
    skip "Tokyo Cabinet: no <tchdb.h> and libtokyocabinet (Debian: libtokyocabinet-dev)"
    finish
fi

# build DIRECTORY FLAGS...
build() {
    local out=$1 flags=${*:2}
    mkdir -p "$out"
    check "build libtchdb.so $flags" make -s "CC=$CC" "CFLAGS=$flags" "KUMO_INCLUDE=$INCLUDE" \
        "OUT=$out"
    check "build test $flags" $CC -std=c99 -Wall -Wextra -Werror -pedantic $flags "-I$INCLUDE" \
        -rdynamic -pthread tests/*.c -ldl -o "$out/test"
    check "build table_test $flags" $CC -std=c99 $flags "-I$INCLUDE" -rdynamic -pthread \
        $TESTS/table/*.c -ldl -o "$out/table_test"
}

# drive_all HOW DIRECTORY [PREFIX...]
drive_all() {
    local how=$1 out=$2 what
    shift 2
    check "table_test, $how" "$@" "$out/table_test" "$out/libtchdb.so" \
        "$(mktemp -d "$TMP/db.XXXXXX")"
    for what in operations opening; do
        check "$what, $how" "$@" "$out/test" "$out/libtchdb.so" "$(mktemp -d "$TMP/db.XXXXXX")" \
            $what
    done
}

echo "== plain"
build "$TMP/plain" -g -O2
test="$TMP/plain/test $TMP/plain/libtchdb.so"
drive_all plain "$TMP/plain"
check "libtchdb.so exports its two entry points alone" sh -c \
    "nm -D --defined-only $TMP/plain/libtchdb.so | awk '{print \$3}' | sort | tr '\n' ' ' |
        grep -qx 'kumo_plugin_init kumo_storage_init '"

echo "== a database of kumofs"
# kumofs_records: as `tchmgr importtsv` cannot take them, in hexadecimal: key, value.
kumofs_records() {
    echo 1C994BDA6CAB7310 6B657931 5E0BE10000000001 000076616C756531
    echo 0102030405060708 6B657932 5E0BE10000000002 ""
    local i
    for i in $(seq 1000 2999); do
        echo "0000000000$(printf %06x "$i") $(printf k%s "$i" | od -An -tx1 | tr -d ' ')" \
            "5E0BE10000000003 0000$(printf v%s "$i" | od -An -tx1 | tr -d ' ')"
    done
}
make_kumofs() { # FILE [OPTIONS OF tchmgr create...]
    tchmgr create "${@:2}" "$1" 1000
    local hash key clock data
    while read -r hash key clock data; do
        tchmgr put -sx "$1" "$hash$key" "$clock$data"
    done < <(kumofs_records)
}
if command -v tchmgr >/dev/null; then
    for options in "" -tl; do
        export -f kumofs_records make_kumofs
        check "tchmgr makes kumofs.tch $options" \
            bash -ec "make_kumofs $TMP/kumofs$options.tch $options"
        check "it is read, changed and copied, $options" $test \
            "$(mktemp -d "$TMP/kumofs.XXXXXX")" kumofs "$TMP/kumofs$options.tch"
        check "tchmgr reads what we wrote, $options" sh -c \
            "tchmgr get -sx -px $TMP/kumofs$options.tch 1C994BDA6CAB73106B657931 | tr -d ' ' |
                grep -qix 5E0BE10000000002000076616C756532"
    done
    check "tchmgr reads our backup" sh -c \
        "tchmgr inform $(echo "$TMP"/kumofs.*/backup | cut -d ' ' -f 1) |
            grep -qx 'record number: 2002'"
else
    skip "tchmgr: not here (Debian: tokyocabinet-bin)"
fi

echo "== calls that fail"
check "every call that writes fails once" $test "$(mktemp -d "$TMP/db.XXXXXX")" faults
sed 's/^/    /' "$TMP/output"

echo "== kill -9, $KILLS times"
kills() {
    local name parameters i pid db
    for parameters in "" "#xmsiz=64m#bnum=500" "#opts=d#rcnum=1k#fpow=4"; do
        db=$(mktemp -d "$TMP/db.XXXXXX")
        for i in $(seq "$KILLS"); do
            $test "$db" write "killed$parameters" &
            pid=$!
            sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
            sleep 0.05
            kill -9 $pid
            wait $pid 2>/dev/null || [ $? -eq 137 ] || return 1
            $test "$db" killed "killed$parameters" || return 1
        done
    done
}
export -f kills
export test KILLS TMP
check "what was acknowledged is there" bash -c kills
tail -n 1 "$TMP/output" | sed 's/^/    /'

echo "== a full disk"
full() { # WHERE
    check "on a full $1" $test "$2" full
    sed 's/^/    /' "$TMP/output"
}
mkdir "$TMP/full"
if mount -t tmpfs -o size=8m tmpfs "$TMP/full" 2>/dev/null; then
    mounted=$TMP/full
    full tmpfs "$TMP/full"
    umount "$TMP/full"
    mounted=
else
    skip "a full tmpfs: cannot mount one"
fi
if command -v mkfs.ext4 >/dev/null && truncate -s 16m "$TMP/disk" &&
    mkfs.ext4 -q "$TMP/disk" 2>/dev/null && mount -o loop "$TMP/disk" "$TMP/full" 2>/dev/null; then
    mounted=$TMP/full
    mkdir "$TMP/full/db"
    full ext4 "$TMP/full/db"
    umount "$TMP/full"
    mounted=
else
    skip "a full ext4: cannot mount one"
fi

[ $only != plain ] || finish

echo "== address and undefined behaviour sanitizers"
build "$TMP/asan" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
drive_all asan "$TMP/asan"
check "calls that fail, asan" env ASAN_OPTIONS=detect_leaks=0 "$TMP/asan/test" \
    "$TMP/asan/libtchdb.so" "$(mktemp -d "$TMP/db.XXXXXX")" faults

echo "== thread sanitizer"
build "$TMP/tsan" -g -O1 -fsanitize=thread
# It cannot run where addresses are more random than it knows.
prefix=()
echo 'int main(void) { return 0; }' >"$TMP/nothing.c"
$CC -fsanitize=thread "$TMP/nothing.c" -o "$TMP/nothing"
"$TMP/nothing" 2>/dev/null || prefix=(setarch -R)
TSAN_OPTIONS=halt_on_error=1 drive_all tsan "$TMP/tsan" "${prefix[@]}"

echo "== valgrind"
if command -v valgrind >/dev/null; then
    drive_all valgrind "$TMP/plain" \
        valgrind -q --error-exitcode=1 --leak-check=full --fair-sched=yes
else
    skip "valgrind: not here"
fi

finish
