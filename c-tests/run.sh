#!/bin/bash
# Builds and runs the tests in C: the headers, the example plugins through their tables,
# the bad plugins, the engines of memcached's interface. Plain, under the sanitizers and under valgrind.
#
#     c-tests/run.sh [plain]
#
# With `plain`, only what needs no sanitizer, no valgrind and no second compiler.
# CC and CXX are honoured. What this machine lacks is skipped; with KUMO_TEST_NO_SKIP=1
# that is a failure. KUMO_INCLUDE is where kumo_storage.h stands.
set -euo pipefail
only=${1:-all}
cd "$(dirname "$0")"

CC=${CC:-gcc}
CXX=${CXX:-g++}
INCLUDE=$(cd "${KUMO_INCLUDE:-../include}" && pwd)
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

STRICT="-Wall -Wextra -Werror -pedantic -I$INCLUDE"
. ./check.sh

# drive NAME [PREFIX...] TABLE_TEST LIBRARY: in a new directory.
drive() {
    local name=$1
    shift
    check "$name" "$@" "$(mktemp -d "$TMP/db.XXXXXX")"
}

has() {
    command -v "$1" >/dev/null
}

compiles() {
    echo "$2" | $1 -fsyntax-only - 2>/dev/null
}

genuine=yes
compiles "$CC -x c" '#include <msgpack.h>' || genuine=no
[ $genuine = yes ] || skip "msgpack-c: no <msgpack.h>"

compilers=("$CC:$CXX")
if [ $only = plain ]; then
    :
elif ! has clang || ! has clang++; then
    skip "clang: not here"
elif [ "$CC" != clang ]; then
    compilers+=("clang:clang++")
fi

echo "== headers"
for pair in "${compilers[@]}"; do
    cc="${pair%%:*} -x c" cxx="${pair#*:} -x c++"
    for language in "$cc -std=c99" "$cc -std=c11" "$cxx -std=c++17"; do
        check "header.c: $language" sh -c "$language $STRICT header.c -o $TMP/x && $TMP/x"
    done
    for language in "$cc -std=c11" "$cxx -std=c++17"; do
        check "layout.c: $language" $language $STRICT layout.c -o "$TMP/x"
        if [ $genuine = yes ]; then
            check "layout.c with msgpack-c: $language" \
                $language $STRICT -DGENUINE layout.c -o "$TMP/x"
        fi
    done
    for language in "$cc -std=c11" "$cxx -std=c++17"; do
        check "memcached_layout.c: $language" $language $STRICT memcached_layout.c -o "$TMP/x"
    done
    for language in "$cc -std=c99" "$cxx -std=c++17"; do
        check "memcached_util.c: $language" \
            sh -c "$language $STRICT memcached_util.c -o $TMP/x && $TMP/x"
    done
    for header in "$INCLUDE"/memcached/*.h; do
        echo "#include <memcached/$(basename "$header")>" >"$TMP/alone.c"
        for language in "$cc -std=c99" "$cxx -std=c++17"; do
            check "memcached/$(basename "$header") alone: $language" \
                $language $STRICT -fsyntax-only "$TMP/alone.c"
        done
    done
    sanitizers=("")
    [ $only = plain ] || sanitizers+=("-g -fsanitize=address,undefined -fno-sanitize-recover=all")
    for language in "$cc -std=c99" "$cxx -std=c++17"; do
        for sanitize in "${sanitizers[@]}"; do
            name="zone.c: $language $sanitize"
            build="$language $STRICT $sanitize zone.c -o $TMP/x"
            check "$name" sh -c "$build && $TMP/x"
            if [ $genuine = yes ]; then
                check "$name, msgpack-c first" \
                    sh -c "$build -DGENUINE_FIRST -lmsgpackc && $TMP/x"
                check "$name, msgpack-c after" \
                    sh -c "$build -DGENUINE_AFTER -lmsgpackc && $TMP/x"
            fi
        done
    done
done

check "mapped.c" $CC -std=c99 $STRICT -shared -fPIC mapped.c -o "$TMP/libmapped.so"

# build DIRECTORY WHAT FLAGS...: the driver and the plugins.
build() {
    local out=$1 what=$2 flags=${*:3}
    mkdir -p "$out"
    check "build table_test $flags" $CC -std=c99 $STRICT $flags -rdynamic -pthread \
        table/*.c -ldl -o "$out/table_test"
    check "build the $what plugins $flags" env CC="$CC" CXX="$CXX" CFLAGS="$flags" \
        KUMO_INCLUDE="$INCLUDE" ./build.sh "$out" "$what"
}

# drive_all HOW DIRECTORY [PREFIX...]: the plugins that are good.
drive_all() {
    local how=$1 out=$2 library
    shift 2
    for library in "$out"/*.so; do
        case $library in
        */smallest.so | */classic_cxx.so) export KUMO_TEST_REENTRANT=1 ;;
        *) unset KUMO_TEST_REENTRANT ;;
        esac
        drive "table_test $(basename "$library"), $how" "$@" "$out/table_test" "$library"
    done
}

# build_engines DIRECTORY FLAGS...: for memcached's engine interface: the host, and engines.
build_engines() {
    local out=$1 flags=${*:2}
    mkdir -p "$out"
    check "build engine_test $flags" $CC -std=c99 $STRICT $flags -pthread engine_*.c -ldl \
        -o "$out/engine_test"
    check "build the engines $flags" env CC="$CC" CXX="$CXX" CFLAGS="$flags" \
        KUMO_INCLUDE="$INCLUDE" ./build.sh "$out" engines
}

# drive_engines HOW DIRECTORY [PREFIX...]
drive_engines() {
    local how=$1 out=$2 name
    shift 2
    for name in fs_engine bare blocks blocks_more percookie logs newer enotsup initfails; do
        drive "engine_test $name.so, $how" "$@" "$out/engine_test" "$out/engines/$name.so"
    done
}

echo "== plain"
build "$TMP/plain" all -g -O1
drive_all plain "$TMP/plain"
build_engines "$TMP/plain" -g -O1
drive_engines plain "$TMP/plain"
check "fs_engine.so exports its entry point alone" sh -c \
    "nm -D --defined-only $TMP/plain/engines/fs_engine.so | awk '{print \$3}' | grep -qx create_instance"

check "libmemhash.so exports its two entry points alone" sh -c \
    "nm -D --defined-only $TMP/plain/libmemhash.so | awk '{print \$3}' | sort | tr '\n' ' ' |
        grep -qx 'kumo_plugin_init kumo_storage_init '"
check "what is built with compat/msgpack.h imports nothing of msgpack-c" sh -c \
    "! nm -D $TMP/plain/libmemhash.so $TMP/plain/smallest.so | grep msgpack"
if [ $genuine = yes ]; then
    for name in memhash_msgpackc classic_cxx; do
        check "$name.so imports msgpack_zone_push_finalizer_expand alone" sh -c \
            "nm -D $TMP/plain/$name.so | awk '/msgpack/ {print \$2}' |
                grep -qx msgpack_zone_push_finalizer_expand"
    done
    check "classic_msgpackc.so needs msgpack-c's library, and classic.so does not" sh -c \
        "readelf -d $TMP/plain/classic_msgpackc.so | grep -q 'NEEDED.*libmsgpackc' &&
            ! readelf -d $TMP/plain/classic.so | grep -q 'NEEDED.*libmsgpackc'"
fi

unset KUMO_TEST_REENTRANT
if [ "$(uname -sm)" = "Linux x86_64" ]; then
    for library in ../tests/old-plugins/*.so; do
        drive "table_test $(basename "$library"), as it was compiled" \
            "$TMP/plain/table_test" "$library"
    done
fi

# The driver finds the faults that it can find; what kills it is found, too. What leaks,
# and what is freed too early, only a sanitizer tells, and a process that ends with 0 only
# a parent that looks: for these, see the kit.
for library in "$TMP"/plain/evil/*.so; do
    name=$(basename "$library" .so)
    case $name in
    classic_fixed_error | get_fails | takes_options)
        export KUMO_TEST_REENTRANT=1
        drive "table_test $name.so, plain" "$TMP/plain/table_test" "$library"
        ;;
    bad_name | exits | forgets_finalizers | leaks_* | release_dies | returns_freed) ;;
    backup_gives_up | error_long | half_classic) ;;
    getv_stale | seek_from_deleted) ;; # only random sequences find them
    read_error_is_a_miss | sync_error_ignored | write_error_ignored) ;; # only a failing disk does
    repair_drops | repair_replaces) ;; # it calls no repair
    hangs_in_open | deadlocks | reenters | not_durable) ;; # they hang, or die by a kill alone
    *)
        check "table_test refuses $name.so" bash -c \
            '! timeout -k 1 60 "$@"' - "$TMP/plain/table_test" "$library" "$(mktemp -d "$TMP/db.XXXXXX")"
        ;;
    esac
done

# Every evil plugin has its line, with a fault and a test.
check "evil/FAULTS has them all" sh -c \
    "(cd evil && ls *.c *.cc memcached/*.c) | sort >$TMP/sources &&
        grep -v '^#' evil/FAULTS | awk 'NF != 3 {exit 1} {print \$1}' | sort | diff - $TMP/sources"

if has make && has pkg-config; then
    check "what is installed is what an author needs" env CC="$CC" ./install.sh
else
    skip "make install: no make or no pkg-config"
fi

[ $only != plain ] || finish

if has clang && has clang++ && [ "$CC" != clang ]; then
    echo "== clang"
    CC=clang CXX=clang++ build "$TMP/clang" all -O2
    drive_all clang "$TMP/clang"
    CC=clang CXX=clang++ build_engines "$TMP/clang" -O2
    drive_engines clang "$TMP/clang"
fi

echo "== address and undefined behaviour sanitizers"
build "$TMP/asan" good -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
drive_all asan "$TMP/asan"
build_engines "$TMP/asan" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
drive_engines asan "$TMP/asan"

echo "== thread sanitizer"
build "$TMP/tsan" good -g -O1 -fsanitize=thread
# It cannot run where addresses are more random than it knows.
prefix=()
echo 'int main(void) { return 0; }' >"$TMP/nothing.c"
$CC -fsanitize=thread "$TMP/nothing.c" -o "$TMP/nothing"
"$TMP/nothing" 2>/dev/null || prefix=(setarch -R)
TSAN_OPTIONS=halt_on_error=1 drive_all tsan "$TMP/tsan" "${prefix[@]}"
build_engines "$TMP/tsan" -g -O1 -fsanitize=thread
TSAN_OPTIONS=halt_on_error=1 drive_engines tsan "$TMP/tsan" "${prefix[@]}"

echo "== valgrind"
if has valgrind; then
    drive_all valgrind "$TMP/plain" \
        valgrind -q --error-exitcode=1 --leak-check=full --fair-sched=yes
    drive_engines valgrind "$TMP/plain" \
        valgrind -q --error-exitcode=1 --leak-check=full --fair-sched=yes
else
    skip "valgrind: not here"
fi

finish
