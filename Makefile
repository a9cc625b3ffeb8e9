# make                     builds the programs and the plugins (cargo and cc)
# make install             PREFIX=/usr/local DESTDIR= ; builds first, where there is cargo
# make install-dev         only what authors of plugins need: headers, pkg-config, man pages
# make uninstall           with the PREFIX and DESTDIR of the install
# make check               the tests in C
#
# PROFILE=dev builds and installs what is quick to build. CARGO_TARGET_DIR is honoured.

PREFIX ?= /usr/local
DESTDIR ?=
PROFILE ?= release
CARGO ?= cargo
CARGO_TARGET_DIR ?= target
INSTALL ?= install

BUILT = $(CARGO_TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
C_BUILT = $(CARGO_TARGET_DIR)/c-plugins
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^version/s/^version = "\(.*\)"/\1/p' Cargo.toml)

BIN = $(DESTDIR)$(PREFIX)/bin
INCLUDE = $(DESTDIR)$(PREFIX)/include/kumo
PLUGINS = $(DESTDIR)$(PREFIX)/lib/kumo/plugins
PKGCONFIG = $(DESTDIR)$(PREFIX)/lib/pkgconfig
MAN = $(DESTDIR)$(PREFIX)/share/man

all: programs c-plugins

# Under sudo there may be no cargo: then what was built before is installed.
programs:
	@if command -v $(CARGO) >/dev/null; then \
		CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) $(CARGO) build --profile $(PROFILE) \
			-p kumo -p kumo-fileserver -p tchdb_like-plugin; \
	elif ! test -x $(BUILT)/kumo-server -a -x $(BUILT)/kumo-fileserver; then \
		echo "there is no cargo, and nothing built: run make as a user who has it" >&2; exit 1; \
	fi

# These need nothing; the others are built where their library is.
PLAIN_C = plugins/memhash plugins/fs_engine

c-plugins:
	@for dir in $(PLAIN_C); do \
		$(MAKE) -C $$dir OUT=$(abspath $(C_BUILT)) KUMO_INCLUDE=$(CURDIR)/include || exit 1; \
	done
	@for dir in $(filter-out $(PLAIN_C),$(patsubst %/Makefile,%,$(wildcard plugins/*/Makefile))); do \
		$(MAKE) -C $$dir OUT=$(abspath $(C_BUILT)) KUMO_INCLUDE=$(CURDIR)/include || \
			echo "$$dir is not built: see above" >&2; \
	done

install: all install-dev
	$(INSTALL) -d $(BIN) $(PLUGINS)
	$(INSTALL) -m 755 $(BUILT)/kumo-server $(BUILT)/kumo-fileserver $(BUILT)/kumoctl $(BIN)
	$(INSTALL) -m 755 $(BUILT)/libtchdb_like.so $(C_BUILT)/lib*.so \
		$(C_BUILT)/fs_engine.so $(PLUGINS)

install-dev:
	$(INSTALL) -d $(INCLUDE)/compat $(INCLUDE)/memcached $(PKGCONFIG) $(PLUGINS) $(MAN)/man3 $(MAN)/man7
	$(INSTALL) -m 644 include/kumo_storage.h $(INCLUDE)
	$(INSTALL) -m 644 include/compat/msgpack.h $(INCLUDE)/compat
	$(INSTALL) -m 644 $(wildcard include/memcached/*.h) $(INCLUDE)/memcached
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' packaging/kumo.pc.in \
		>$(PKGCONFIG)/kumo.pc
	awk -v page=3 -v version=$(VERSION) -f packaging/man.awk include/kumo_storage.h \
		>$(MAN)/man3/kumo_storage.3
	awk -v page=7 -v version=$(VERSION) -f packaging/man.awk include/kumo_storage.h \
		>$(MAN)/man7/kumo-plugins.7
	chmod 644 $(PKGCONFIG)/kumo.pc $(MAN)/man3/kumo_storage.3 $(MAN)/man7/kumo-plugins.7

# Plugins of other origin stay, and their directory with them.
uninstall:
	rm -f $(BIN)/kumo-server $(BIN)/kumo-fileserver $(BIN)/kumoctl $(PKGCONFIG)/kumo.pc
	rm -f $(INCLUDE)/kumo_storage.h $(INCLUDE)/compat/msgpack.h
	rm -f $(addprefix $(INCLUDE)/memcached/,$(notdir $(wildcard include/memcached/*.h)))
	rm -f $(MAN)/man3/kumo_storage.3 $(MAN)/man7/kumo-plugins.7
	rm -f $(PLUGINS)/libtchdb_like.so $(PLUGINS)/libmemhash.so $(PLUGINS)/fs_engine.so \
		$(addprefix $(PLUGINS)/,$(notdir $(wildcard $(C_BUILT)/lib*.so)))
	-rmdir $(INCLUDE)/compat $(INCLUDE)/memcached $(INCLUDE) $(PLUGINS) $(DESTDIR)$(PREFIX)/lib/kumo

check:
	c-tests/run.sh

.PHONY: all programs c-plugins install install-dev uninstall check
