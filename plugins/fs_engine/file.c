/*
 * One file: the value, and behind it one line of text that says the rest.
 *
 *     test
 *     fs_engine/1 FLAGS--- EXPIRY---------- CAS------------- CRC-----
 *
 * So the value begins the file, and cat shows it. The line, with the line feed before it,
 * has a fixed length; its numbers are hexadecimal. The CRC is of all that precedes it. A
 * file is never changed: another one, written beside it, takes its place by rename, so a
 * reader needs no lock, and a killed process leaves nothing that is half.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L

#include "fs_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "\nfs_engine/1 "
#define MAGIC_LENGTH 13
#define CRC_AT (MAGIC_LENGTH + 8 + 1 + 16 + 1 + 16 + 1)
#define TRAILER (CRC_AT + 8 + 1)

uint32_t fs_crc(uint32_t crc, const void *data, size_t n)
{
    static const uint32_t half[16] = { /* the CRC of Ethernet, four bits at a time */
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const unsigned char *bytes = data;
    size_t i;
    crc = ~crc;
    for (i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ half[crc & 15];
        crc = crc >> 4 ^ half[crc & 15];
    }
    return ~crc;
}

/* ---- reading ---- */

static bool read_at(int fd, char *to, size_t n, off_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, n, at);
        if (got == 0) {
            errno = EIO; /* somebody else has cut it */
        }
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        if (got > 0) {
            to += got;
            at += got;
            n -= (size_t)got;
        }
    }
    return true;
}

static bool hex(const char *text, size_t digits, char end, uint64_t *number)
{
    *number = 0;
    for (; digits > 0; digits--, text++) {
        const char *all = "0123456789abcdef";
        const char *found = *text == '\0' ? NULL : strchr(all, *text);
        if (found == NULL) {
            return false;
        }
        *number = *number << 4 | (uint64_t)(found - all);
    }
    return *text == end;
}

static bool parse(const char *trailer, fs_meta *meta, uint32_t *crc)
{
    uint64_t flags, expiry, sum;
    const char *at = trailer + MAGIC_LENGTH;
    if (!hex(at, 8, ' ', &flags) || !hex(at + 9, 16, ' ', &expiry) ||
        !hex(at + 26, 16, ' ', &meta->cas) || !hex(trailer + CRC_AT, 8, '\n', &sum)) {
        return false;
    }
    meta->flags = (uint32_t)flags;
    meta->expiry = (int64_t)expiry;
    *crc = (uint32_t)sum;
    return true;
}

static fs_state read_open(int fd, fs_meta *meta, size_t *size, fs_item **found)
{
    struct stat st;
    char trailer[TRAILER];
    uint32_t crc;
    fs_item *item;
    if (fstat(fd, &st) != 0) {
        return FS_FAILED;
    }
    if (!S_ISREG(st.st_mode)) {
        return FS_FOREIGN;
    }
    *size = 0;
    if (st.st_size == 0) { /* what a loss of power may leave */
        return FS_DAMAGED;
    }
    if (st.st_size < TRAILER || st.st_size - TRAILER > (off_t)FS_VALUE_MAX) {
        return FS_FOREIGN;
    }
    *size = (size_t)st.st_size - TRAILER;
    if (!read_at(fd, trailer, TRAILER, (off_t)*size)) {
        return FS_FAILED;
    }
    if (memcmp(trailer, MAGIC, MAGIC_LENGTH) != 0) {
        return FS_FOREIGN;
    }
    if (!parse(trailer, meta, &crc)) {
        return FS_DAMAGED;
    }
    if (found == NULL) {
        return FS_FOUND;
    }
    item = fs_item_new(NULL, 0, *size);
    if (item == NULL) {
        errno = ENOMEM;
        return FS_FAILED;
    }
    if (!read_at(fd, item->data, *size, 0)) {
        int reason = errno;
        free(item);
        errno = reason;
        return FS_FAILED;
    }
    if (fs_crc(fs_crc(0, item->data, *size), trailer, CRC_AT) != crc) {
        free(item);
        return FS_DAMAGED;
    }
    item->meta = *meta;
    *found = item;
    return FS_FOUND;
}

fs_state fs_file_read(fs_engine *e, const char *path, fs_meta *meta, size_t *size,
                      fs_item **found)
{
    fs_state state;
    int reason;
    /* Not blocking: whatever stands there might be a pipe. */
    int fd = openat(e->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? FS_ABSENT
               : errno == ELOOP || errno == ENOTDIR || errno == ENXIO || errno == EACCES
                   ? FS_FOREIGN
                   : FS_FAILED;
    }
    state = read_open(fd, meta, size, found);
    reason = errno;
    close(fd);
    errno = reason;
    return state;
}

/* ---- writing ---- */

static bool write_all(int fd, const char *from, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, from, n);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            from += put;
            n -= (size_t)put;
        }
    }
    return true;
}

static bool write_pieces(int fd, const struct iovec *pieces, int n, const fs_meta *meta)
{
    char trailer[TRAILER + 1];
    uint32_t crc = 0;
    int i;
    for (i = 0; i < n; i++) {
        if (!write_all(fd, pieces[i].iov_base, pieces[i].iov_len)) {
            return false;
        }
        crc = fs_crc(crc, pieces[i].iov_base, pieces[i].iov_len);
    }
    snprintf(trailer, sizeof trailer, MAGIC "%08" PRIx32 " %016" PRIx64 " %016" PRIx64 " ",
             meta->flags, (uint64_t)meta->expiry, meta->cas);
    crc = fs_crc(crc, trailer, CRC_AT);
    snprintf(trailer + CRC_AT, sizeof trailer - CRC_AT, "%08" PRIx32 "\n", crc);
    return write_all(fd, trailer, TRAILER);
}

/* Makes the directories that the path names, or makes what they hold durable. */
static bool directories(fs_engine *e, const char *path, bool make)
{
    char part[FS_PATH_MAX];
    const char *slash = path;
    bool well = make || fsync(e->dir) == 0;
    while (well && (slash = strchr(slash, '/')) != NULL) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = '\0';
        if (make) {
            well = mkdirat(e->dir, part, 0777) == 0 || errno == EEXIST;
        } else {
            int fd = openat(e->dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            well = fd >= 0 && fsync(fd) == 0;
            if (fd >= 0) {
                close(fd);
            }
        }
        slash++;
    }
    return well;
}

static bool move(fs_engine *e, const char *tmp, const char *path)
{
    if (renameat(e->dir, tmp, e->dir, path) == 0) {
        return true;
    }
    return errno == ENOENT && strchr(path, '/') != NULL && directories(e, path, true) &&
           renameat(e->dir, tmp, e->dir, path) == 0;
}

int fs_file_write(fs_engine *e, const char *path, const struct iovec *pieces, int n,
                  const fs_meta *meta)
{
    char tmp[64];
    bool well;
    int reason, fd;
    snprintf(tmp, sizeof tmp, FS_OWN "/%" PRIu64 ".tmp", FS_ADD(e->tmp, 1));
    fd = openat(e->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return errno;
    }
    well = write_pieces(fd, pieces, n, meta) && (!e->sync || fsync(fd) == 0);
    reason = errno;
    if (close(fd) != 0 && well) { /* where a network's disk is full */
        well = false;
        reason = errno;
    }
    if (well) {
        well = move(e, tmp, path);
        reason = errno;
    }
    if (!well) {
        unlinkat(e->dir, tmp, 0);
        return reason;
    }
    /* The item is in place. What fails now is told in the log alone. */
    if (e->sync && !directories(e, path, false)) {
        FS_LOG(e, EXTENSION_LOG_WARNING, "fs_engine: fsync of the directory of %s: %s", path,
               strerror(errno));
    }
    return 0;
}

int fs_file_remove(fs_engine *e, const char *path)
{
    if (unlinkat(e->dir, path, 0) != 0) {
        return errno;
    }
    if (e->sync && !directories(e, path, false)) {
        FS_LOG(e, EXTENSION_LOG_WARNING, "fs_engine: fsync of the directory of %s: %s", path,
               strerror(errno));
    }
    return 0;
}
