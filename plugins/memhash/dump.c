/*
 * The dumps of memhash: backup writes one, open reads one.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L

#include "memhash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * magic 8 | version 4 | count 8 | count times: keylen 4, vallen 4, key, value | sum 8
 *
 * Numbers are little-endian; the sum is the FNV-1a of all that precedes it.
 */
static const char dump_magic[8] = {'K', 'U', 'M', 'O', 'H', 'A', 'S', 'H'};
#define DUMP_VERSION 1
#define FNV_BASIS 0xcbf29ce484222325U
#define FNV_PRIME 0x100000001b3U

typedef struct dump {
    FILE *file;
    uint64_t sum;
    uint64_t left; /* when reading: the bytes of the file that have not been read */
    bool no_memory;
} dump;

static void dump_add(dump *d, const char *bytes, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        d->sum = (d->sum ^ (unsigned char)bytes[i]) * FNV_PRIME;
    }
}

static bool dump_write(dump *d, const char *bytes, size_t n)
{
    dump_add(d, bytes, n);
    return fwrite(bytes, 1, n, d->file) == n;
}

static bool dump_write_number(dump *d, uint64_t number, size_t size)
{
    char bytes[8];
    size_t i;
    for (i = 0; i < size; i++) {
        bytes[i] = (char)(number >> 8 * i & 0xff);
    }
    return dump_write(d, bytes, size);
}

static bool dump_read(dump *d, char *bytes, size_t n)
{
    if (n > d->left || fread(bytes, 1, n, d->file) != n) {
        return false;
    }
    d->left -= n;
    dump_add(d, bytes, n);
    return true;
}

static bool dump_read_number(dump *d, uint64_t *number, size_t size)
{
    char bytes[8];
    if (!dump_read(d, bytes, size)) {
        return false;
    }
    *number = 0;
    while (size > 0) {
        *number = *number << 8 | (unsigned char)bytes[--size];
    }
    return true;
}

/* False: errno says why. */
static bool dump_write_all(FILE *file, record **list, size_t n)
{
    dump d = {file, FNV_BASIS, 0, false};
    size_t i;
    bool ok = dump_write(&d, dump_magic, sizeof dump_magic) &&
              dump_write_number(&d, DUMP_VERSION, 4) && dump_write_number(&d, n, 8);
    for (i = 0; ok && i < n; i++) {
        ok = dump_write_number(&d, list[i]->keylen, 4) &&
             dump_write_number(&d, list[i]->vallen, 4) &&
             dump_write(&d, list[i]->bytes, (size_t)list[i]->keylen + list[i]->vallen);
    }
    return ok && dump_write_number(&d, d.sum, 8) && fflush(file) == 0 && fsync(fileno(file)) == 0;
}

static bool dump_read_record(dump *d, memhash *table)
{
    uint64_t keylen, vallen;
    char *bytes;
    bool ok;
    if (!dump_read_number(d, &keylen, 4) || !dump_read_number(d, &vallen, 4) ||
        keylen + vallen > d->left) { /* so a damaged length asks for no great memory */
        return false;
    }
    bytes = malloc(keylen + vallen + 1);
    ok = bytes != NULL && dump_read(d, bytes, keylen + vallen);
    if (bytes == NULL || (ok && !kumo_memhash_set(table, bytes, (uint32_t)keylen, bytes + keylen,
                                                  (uint32_t)vallen))) {
        d->no_memory = true;
        ok = false;
    }
    free(bytes);
    return ok;
}

/* Loads the dump, which is `size` bytes long. */
static bool dump_read_all(FILE *file, uint64_t size, memhash *table, const char *path)
{
    dump d = {file, FNV_BASIS, size, false};
    char magic[sizeof dump_magic];
    uint64_t version, count, sum, stored;
    if (!dump_read(&d, magic, sizeof magic) || memcmp(magic, dump_magic, sizeof magic) != 0) {
        return memhash_fail(KUMO_ERROR_INVALID,
                            "memhash: %s is not a dump of memhash; name one, or no file", path);
    }
    if (dump_read_number(&d, &version, 4) && version != DUMP_VERSION) {
        return memhash_fail(KUMO_ERROR_INVALID,
                            "memhash: %s has version %lu, and this memhash reads %d", path,
                            (unsigned long)version, DUMP_VERSION);
    }
    if (dump_read_number(&d, &count, 8)) {
        while (count > 0 && dump_read_record(&d, table)) {
            count--;
        }
        sum = d.sum;
        if (count == 0 && dump_read_number(&d, &stored, 8) && stored == sum && d.left == 0) {
            return true;
        }
    }
    if (d.no_memory) {
        return memhash_fail_memory();
    }
    if (ferror(file)) {
        return memhash_fail(KUMO_ERROR_IO, "memhash: cannot read %s", path);
    }
    return memhash_fail(KUMO_ERROR_CORRUPT,
                        "memhash: %s is cut short or damaged; use another backup", path);
}

bool memhash_load(memhash *table, const char *path)
{
    /* O_NONBLOCK: do not wait for somebody to write to a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file;
    struct stat st;
    bool ok;
    if (fd < 0) {
        return errno == ENOENT || memhash_fail_os(errno, "open", path);
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return memhash_fail(KUMO_ERROR_INVALID, "memhash: %s is not a file", path);
    }
    file = fdopen(fd, "rb");
    if (file == NULL) {
        close(fd);
        return memhash_fail_memory();
    }
    ok = dump_read_all(file, (uint64_t)st.st_size, table, path);
    fclose(file);
    return ok;
}

/* A new name in a directory is on the disk once the directory is. */
static bool sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = strdup(slash == NULL ? "." : path);
    int fd;
    bool ok;
    if (dir == NULL) {
        return memhash_fail_memory();
    }
    if (slash != NULL) {
        dir[slash == path ? 1 : slash - path] = '\0';
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = fd >= 0 && fsync(fd) == 0;
    if (!ok) {
        memhash_fail_os(errno, "sync the directory", dir);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(dir);
    return ok;
}

/* A new file. What a backup that was killed left there goes; NULL: that failed. */
static FILE *create_tmp(const char *tmp)
{
    FILE *file;
    int fd;
    if (unlink(tmp) != 0 && errno != ENOENT) {
        memhash_fail_os(errno, "remove", tmp);
        return NULL;
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        memhash_fail_os(errno, "create", tmp);
        return NULL;
    }
    file = fdopen(fd, "wb");
    if (file == NULL) {
        close(fd);
        unlink(tmp);
        memhash_fail_memory();
    }
    return file;
}

/* Writes and syncs the dump to `tmp`, then gives it the name `dst`, which must be free. */
static bool write_dump(record **list, size_t n, const char *tmp, const char *dst)
{
    FILE *file = create_tmp(tmp);
    int err;
    bool ok;
    if (file == NULL) {
        return false;
    }
    ok = dump_write_all(file, list, n);
    err = errno;
    if (fclose(file) != 0 && ok) {
        ok = false;
        err = errno;
    }
    if (!ok) {
        memhash_fail_os(err, "write", tmp);
    } else if (link(tmp, dst) != 0) { /* unlike rename, it does not replace */
        ok = memhash_fail_os(errno, "create", dst);
    }
    unlink(tmp);
    if (ok && !sync_directory_of(dst)) {
        unlink(dst);
        ok = false;
    }
    return ok;
}

bool memhash_dump(record **list, size_t n, const char *dst)
{
    struct stat st;
    size_t size = strlen(dst) + sizeof ".tmp";
    char *tmp;
    bool ok;
    if (strchr(dst, '#') != NULL) {
        return memhash_fail(KUMO_ERROR_INVALID,
                            "memhash: %s could not be opened again; remove the #", dst);
    }
    if (lstat(dst, &st) == 0) { /* link would tell, but only when all is written */
        return memhash_fail_os(EEXIST, "create", dst);
    }
    tmp = malloc(size);
    if (tmp == NULL) {
        return memhash_fail_memory();
    }
    snprintf(tmp, size, "%s.tmp", dst);
    ok = write_dump(list, n, tmp, dst);
    free(tmp);
    return ok;
}
