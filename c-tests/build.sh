#!/bin/bash
# Builds the plugins of the tests, each under a name that stays.
#
#     c-tests/build.sh OUT_DIR [good|evil|engines|all]
#
# good: OUT_DIR/libmemhash.so; the examples, OUT_DIR/1-smallest.so and so on;
#       OUT_DIR/smallest.so, which is classic; and of good/: serialized.so, single.so,
#       and where <msgpack.h> is: classic.so, classic_msgpackc.so (linked with msgpack-c's
#       library), classic_cxx.so, memhash_msgpackc.so.
# evil: OUT_DIR/evil/NAME.so for every source in evil/, and OUT_DIR/evil/memcached/NAME.so
#       for every one in evil/memcached/; evil/FAULTS says what is wrong with each.
# engines: for memcached's engine interface: OUT_DIR/engines/NAME.so for every source in
#       engines/, slots_NAME.so for every place in the table that must not be NULL, and
#       fs_engine.so.
#
# CC, CXX and CFLAGS are honoured. KUMO_INCLUDE is where kumo_storage.h stands.
set -euo pipefail
mkdir -p "${1:?where to?}"
OUT=$(cd "$1" && pwd)
WHAT=${2:-all}
cd "$(dirname "$0")"

export CC=${CC:-cc} CXX=${CXX:-c++} CFLAGS=${CFLAGS:--O1 -g} OUT
INCLUDE=$(cd "${KUMO_INCLUDE:-../include}" && pwd)
COMMON="-Wall -Wextra -Werror -pedantic -I$INCLUDE -fPIC -shared -fvisibility=hidden -pthread $CFLAGS"
jobs=()

# job COMMAND...: to be run beside others.
job() {
    jobs+=("$*")
}

c() { # NAME SOURCE FLAGS...
    job "$CC -std=c99 $COMMON $2 -o $OUT/$1.so ${*:3}"
}

cxx() {
    job "$CXX -std=c++17 $COMMON $2 -o $OUT/$1.so ${*:3}"
}

if [ "$WHAT" = good ] || [ "$WHAT" = all ]; then
    memhash="make -s -C ../plugins/memhash KUMO_INCLUDE=$INCLUDE"
    job "$memhash"
    c smallest smallest.c
    for source in ../plugins/examples/*.c; do
        c "$(basename "$source" .c)" "$source"
    done
    c serialized good/serialized.c
    c single good/single.c
    if echo '#include <msgpack.h>' | $CC -x c -fsyntax-only - 2>/dev/null; then
        c classic good/classic.c -D_POSIX_C_SOURCE=200809L
        c classic_msgpackc good/classic.c -D_POSIX_C_SOURCE=200809L -Wl,--no-as-needed -lmsgpackc
        cxx classic_cxx good/classic_cxx.cc
        job "CFLAGS='$CFLAGS -DUSE_MSGPACK_C' OUT=$OUT/msgpackc $memhash &&
            mv $OUT/msgpackc/libmemhash.so $OUT/memhash_msgpackc.so && rmdir $OUT/msgpackc"
    fi
fi

if [ "$WHAT" = evil ] || [ "$WHAT" = all ]; then
    mkdir -p "$OUT/evil/memcached"
    for source in evil/*.c evil/memcached/*.c; do
        c "${source%.c}" "$source"
    done
    cxx evil/throws evil/throws.cc
fi

if [ "$WHAT" = engines ] || [ "$WHAT" = all ]; then
    mkdir -p "$OUT/engines"
    for source in engines/*.c; do
        [ $source = engines/slots.c ] || c "engines/$(basename "$source" .c)" "$source"
    done
    for slot in get_info initialize destroy allocate remove release get store flush get_stats \
        reset_stats item_set_cas get_item_info; do
        c engines/slots_$slot engines/slots.c -DSLOT=$slot
    done
    job "OUT=$OUT/engines make -s -C ../plugins/fs_engine KUMO_INCLUDE=$INCLUDE"
fi

printf '%s\0' "${jobs[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c
