#!/bin/bash
# Installs to a directory of its own, and does what a new author would: compiles example 1
# with pkg-config, and, with `all`, has the installed server find it and serve.
#
#     c-tests/install.sh [all]
#
# Without `all`, nothing but the header, the pkg-config file and the man pages is installed,
# and no cargo is needed. PROFILE and CARGO_TARGET_DIR are passed on to make.
set -euo pipefail
what=${1:-dev}
cd "$(dirname "$0")/.."

TMP=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$TMP"' EXIT
PREFIX=/opt/kumo
ROOT=$TMP/root$PREFIX
target=install-dev
[ "$what" != all ] || target=install

make -s $target DESTDIR="$TMP/root" PREFIX=$PREFIX
export PKG_CONFIG_LIBDIR=$ROOT/lib/pkgconfig
test "$(pkg-config --variable=plugindir kumo)" = $PREFIX/lib/kumo/plugins
test "$(pkg-config --variable=includedir kumo)" = $PREFIX/include/kumo
test -n "$(pkg-config --modversion kumo)"

# What the head comments of the examples say, and both headers by the names they have.
export PKG_CONFIG_SYSROOT_DIR=$TMP/root
cd "$TMP"
for source in "$OLDPWD"/plugins/examples/*.c; do
    cp "$source" .
    command=$(grep -oE 'cc -shared .*\.c' "$(basename "$source")")
    sh -c "${command/cc/${CC:-cc}}"
done
echo '#include <kumo_storage.h>
#include <compat/msgpack.h>' | ${CC:-cc} $(pkg-config --cflags kumo) -Wall -Werror -x c -fsyntax-only -

# An engine of memcached's interface, too, by the names that it includes.
echo '#include <memcached/engine.h>
#include <memcached/server_api.h>
ENGINE_HANDLE_V1 table;' | ${CC:-cc} $(pkg-config --cflags kumo) -Wall -Werror -x c -fsyntax-only -
test "${what}" = dev || test -x "$ROOT/lib/kumo/plugins/fs_engine.so"

# The pages say something of every function.
for name in create get_header updatev iterator_release_val sync batch zone_push_finalizer; do
    grep -q "$name" "$ROOT/share/man/man3/kumo_storage.3"
done
grep -q '^.SH THREADS' "$ROOT/share/man/man7/kumo-plugins.7"
if command -v man >/dev/null; then
    for page in "$ROOT"/share/man/man*/*; do
        warnings=$(LC_ALL=C.UTF-8 man --warnings -l -Tutf8 "$page" 2>&1 >/dev/null)
        test -z "$warnings" || { echo "$page: $warnings"; exit 1; }
    done
fi

if [ "$what" = all ]; then
    cp libsmallest.so "$ROOT/lib/kumo/plugins"
    for plugin in smallest memhash tchdb_like; do
        MEMCACHED_PORT_FILENAME=$TMP/port "$ROOT/bin/kumo-server" -s "$TMP/data.$plugin" \
            --storage $plugin -p 0 --rpc off &
        server=$!
        for _ in $(seq 100); do
            [ ! -s "$TMP/port" ] || break
            sleep 0.1
        done
        port=$(grep -oE '[0-9]+$' "$TMP/port" | head -n 1)
        exec 3<>/dev/tcp/127.0.0.1/"$port"
        printf 'set key 0 0 5\r\nvalue\r\nget key\r\nquit\r\n' >&3
        test "$(tr -d '\r' <&3 | tr '\n' ' ')" = "STORED VALUE key 0 5 value END "
        exec 3>&-
        kill $server
        wait $server
        server=
        rm "$TMP/port"
    done
fi

make -s -C "$OLDPWD" uninstall DESTDIR="$TMP/root" PREFIX=$PREFIX 2>/dev/null
test -z "$(find "$TMP/root" -type f ! -name libsmallest.so)"
