/*
 * The fourth engine: complete. Records are in a file, and an index of them in memory.
 *
 *     cc -shared -fPIC -pthread $(pkg-config --cflags kumo) -o libcomplete.so 4-complete.c
 *     kumo-server -s data.log --storage ./libcomplete.so
 *
 * The file is a log: writes and deletes are appended, and nothing is ever changed in place.
 *
 *     magic 8 | entries: crc 4, keylen 4, vallen 4, key, value
 *
 * Numbers are as the machine writes them. vallen 0xffffffff is a delete; the crc is of all
 * behind it.
 *
 * What it promises: a write that returned true survives a kill at any instant, and after
 * sync a loss of power. At open, an end that no good entry follows is what such an accident
 * left of a write that never returned, and is cut off. Any other damage is refused, or
 * found by the crc when it is read, and never served.
 *
 * What it does not do: give back the space of old values (a backup is the compact form),
 * nor let its hash table grow.
 *
 * One lock guards the index and the end of the file. Entries never move, so they are read
 * without it; and so a scan, or a backup, is of one moment, and keeps nobody waiting.
 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include <kumo_storage.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS 65536 /* a power of two */
#define DELETED UINT32_MAX
static const char magic[8] = {'K', 'U', 'M', 'O', 'L', 'O', 'G', '1'};

typedef struct head { /* of an entry */
    uint32_t crc, klen, vlen;
} head;

#define HEAD sizeof(head)

typedef struct slot { /* of the index */
    struct slot *next;
    uint64_t at; /* where the entry is in the file */
    uint32_t hash, klen, vlen;
    char key[];
} slot;

typedef struct place { /* where a record is: what a scan remembers of it */
    uint64_t at;
    uint32_t klen, vlen;
} place;

typedef struct log {
    int fd;
    pthread_mutex_t lock;
    uint64_t end; /* of the file */
    bool broken;  /* the file has a bad end that could not be cut off */
    slot *buckets[BUCKETS];
    size_t rnum;
} log;

static const kumo_host *host;

/* ---- errors ---- */

static bool fail(kumo_error code, const char *what, const char *why)
{
    char text[512];
    snprintf(text, sizeof text, "complete: %s%s%s", what, *why != '\0' ? ": " : "", why);
    host->set_error(code, text);
    return false;
}

/* A call to the system failed. */
static bool fail_errno(const char *what)
{
    kumo_error code = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? KUMO_ERROR_FULL
                      : errno == ENOMEM                                    ? KUMO_ERROR_MEMORY
                                                                           : KUMO_ERROR_IO;
    char why[128] = "";
    if (strerror_r(errno, why, sizeof why) != 0) {
        why[0] = '\0';
    }
    return fail(code, what, why);
}

static bool no_memory(void)
{
    return fail(KUMO_ERROR_MEMORY, "out of memory", "");
}

/* ---- entries ---- */

/* CRC-32, four bits at a time. A real engine takes a library's, or the processor's. */
static uint32_t crc32(const char *bytes, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    size_t i;
    for (i = 0; i < n; i++) {
        crc ^= (unsigned char)bytes[i];
        crc = table[crc & 15] ^ crc >> 4;
        crc = table[crc & 15] ^ crc >> 4;
    }
    return ~crc;
}

static size_t entry_size(uint32_t klen, uint32_t vlen)
{
    return (size_t)HEAD + klen + (vlen == DELETED ? 0 : vlen);
}

/* Of the entry's head, but for the crc itself, and of all behind it. */
static uint32_t entry_crc(const char *entry, size_t size)
{
    return crc32(entry + sizeof(uint32_t), size - sizeof(uint32_t));
}

/* False: errno says why. */
static bool read_all(int fd, char *to, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            errno = got == 0 ? EBADMSG : errno; /* the file ends before */
            return false;
        }
        got = got < 0 ? 0 : got;
        to += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return true;
}

static bool write_all(int fd, const char *from, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t put = pwrite(fd, from, n, (off_t)at);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        put = put < 0 ? 0 : put;
        from += put;
        n -= (size_t)put;
        at += (uint64_t)put;
    }
    return true;
}

/* The whole entry, checked, for the caller to free. NULL: errno says why; EBADMSG: damaged. */
static char *entry_load(int fd, place p)
{
    size_t size = entry_size(p.klen, p.vlen);
    char *entry = malloc(size + 1); /* an empty value is found: it has an address of its own */
    head h;
    if (entry != NULL && read_all(fd, entry, size, p.at)) {
        memcpy(&h, entry, HEAD);
        if (h.klen == p.klen && h.vlen == p.vlen && h.crc == entry_crc(entry, size)) {
            return entry;
        }
        errno = EBADMSG;
    }
    free(entry); /* which leaves errno alone */
    return NULL;
}

/* The same, which says why not. */
static char *entry_read(log *l, place p)
{
    char *entry = entry_load(l->fd, p);
    if (entry == NULL && errno == EBADMSG) {
        fail(KUMO_ERROR_CORRUPT, "an entry of the log is damaged", "restore it from a backup");
    } else if (entry == NULL) {
        fail_errno("cannot read the log");
    }
    return entry;
}

/* ---- the index, under the lock ---- */

static uint32_t hash_of(const char *key, uint32_t klen)
{
    return crc32(key, klen);
}

static slot **find(log *l, const char *key, uint32_t klen, uint32_t hash)
{
    slot **at = &l->buckets[hash & (BUCKETS - 1)];
    while (*at != NULL &&
           ((*at)->hash != hash || (*at)->klen != klen || memcmp((*at)->key, key, klen) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

/* Allocated before anything is written, so that what follows a write cannot fail. */
static slot *slot_new(const char *key, uint32_t klen, uint32_t vlen, uint64_t at)
{
    slot *s = malloc(sizeof *s + klen);
    if (s == NULL) {
        no_memory();
        return NULL;
    }
    *s = (slot){NULL, at, hash_of(key, klen), klen, vlen};
    memcpy(s->key, key, klen);
    return s;
}

/* Takes the slot into the index, or for a delete, takes the key's out. */
static void index_put(log *l, slot *s)
{
    slot **at = find(l, s->key, s->klen, s->hash), *old = *at;
    if (old != NULL) {
        *at = old->next;
        l->rnum--;
        free(old);
    }
    if (s->vlen == DELETED) {
        free(s);
        return;
    }
    s->next = *at;
    *at = s;
    l->rnum++;
}

/* All records at one moment, for the caller to free; NULL: no memory. */
static place *snapshot(log *l, size_t *n)
{
    place *places;
    size_t i;
    pthread_mutex_lock(&l->lock);
    places = malloc((l->rnum + 1) * sizeof *places);
    for (i = 0, *n = 0; places != NULL && i < BUCKETS; i++) {
        slot *s;
        for (s = l->buckets[i]; s != NULL; s = s->next) {
            places[(*n)++] = (place){s->at, s->klen, s->vlen};
        }
    }
    pthread_mutex_unlock(&l->lock);
    if (places == NULL) {
        no_memory();
    }
    return places;
}

/* ---- writing ---- */

/* Appends to the file. What was written of it is cut off again where it fails. */
static bool append(log *l, const char *entry, size_t size)
{
    if (l->broken) {
        return fail(KUMO_ERROR_IO, "an earlier write failed", "open the log again to write");
    }
    if (!write_all(l->fd, entry, size, l->end)) {
        fail_errno("cannot write to the log");
        l->broken = ftruncate(l->fd, (off_t)l->end) != 0;
        return false;
    }
    return true;
}

/* Whether the record may be changed: proc is asked under the lock, about the present value. */
static bool agreed(log *l, const slot *old, kumo_storage_casproc proc, void *arg)
{
    char *entry = entry_read(l, (place){old->at, old->klen, old->vlen});
    bool go = entry != NULL && proc(arg, entry + HEAD + old->klen, old->vlen);
    free(entry);
    return go;
}

/* Every write: of a value, or with DELETED for its length, of a delete. */
static bool change(log *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                   kumo_storage_casproc proc, void *arg)
{
    size_t size = entry_size(klen, vlen);
    head h = {0, klen, vlen};
    slot *made = slot_new(key, klen, vlen, 0), *old;
    char *entry = malloc(size);
    bool ok = made != NULL && (entry != NULL || no_memory());
    if (ok) {
        memcpy(entry, &h, HEAD);
        memcpy(entry + HEAD, key, klen);
        memcpy(entry + HEAD + klen, val, vlen == DELETED ? 0 : vlen);
        h.crc = entry_crc(entry, size);
        memcpy(entry, &h, HEAD);
        pthread_mutex_lock(&l->lock);
        old = *find(l, key, klen, made->hash);
        ok = old == NULL ? vlen != DELETED : proc == NULL || agreed(l, old, proc, arg);
        ok = ok && append(l, entry, size);
        if (ok) {
            made->at = l->end;
            l->end += size;
            index_put(l, made);
            made = NULL;
        }
        pthread_mutex_unlock(&l->lock);
    }
    free(made);
    free(entry);
    return ok;
}

static bool update(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                   kumo_storage_casproc proc, void *arg)
{
    if (vlen == DELETED) {
        return fail(KUMO_ERROR_INVALID, "a value of 4 GiB", "store a smaller one");
    }
    return change(l, key, klen, val, vlen, proc, arg);
}

static bool set(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update(l, key, klen, val, vlen, NULL, NULL);
}

static bool del(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    return change(l, key, klen, "", DELETED, proc, arg);
}

static bool sync_(void *l)
{
    return fdatasync(((log *)l)->fd) == 0 || fail_errno("cannot sync the log");
}

/* ---- reading ---- */

static const char *get(void *data, const char *key, uint32_t klen, uint32_t *vlen,
                       struct msgpack_zone *zone)
{
    log *l = data;
    slot *s;
    place p = {0, 0, 0};
    char *entry;
    pthread_mutex_lock(&l->lock);
    s = *find(l, key, klen, hash_of(key, klen));
    if (s != NULL) {
        p = (place){s->at, s->klen, s->vlen};
    }
    pthread_mutex_unlock(&l->lock);
    if (s == NULL || (entry = entry_read(l, p)) == NULL) {
        return NULL;
    }
    if (!host->zone_push_finalizer(zone, free, entry)) {
        free(entry);
        no_memory();
        return NULL;
    }
    *vlen = p.vlen;
    return entry + HEAD + klen;
}

static uint64_t rnum(void *data)
{
    log *l = data;
    uint64_t n;
    pthread_mutex_lock(&l->lock);
    n = l->rnum;
    pthread_mutex_unlock(&l->lock);
    return n;
}

typedef struct cursor { /* what for_each shows */
    log *log;
    char *entry;
    place place;
} cursor;

static int for_each(void *data, void *user, kumo_storage_visit visit)
{
    cursor c = {data, NULL, {0, 0, 0}};
    size_t i, n;
    place *places = snapshot(data, &n);
    int result = places == NULL ? -1 : 0;
    for (i = 0; i < n && result >= 0; i++) {
        c.place = places[i];
        c.entry = entry_read(data, c.place);
        result = c.entry == NULL ? -1 : visit(user, &c);
        free(c.entry);
    }
    free(places);
    return result;
}

static const char *ikey(void *it) { return ((cursor *)it)->entry + HEAD; }
static size_t ikeylen(void *it) { return ((cursor *)it)->place.klen; }
static const char *ival(void *it) { return ikey(it) + ikeylen(it); }
static size_t ivallen(void *it) { return ((cursor *)it)->place.vlen; }

static bool idel(void *it, kumo_storage_casproc proc, void *arg)
{
    cursor *c = it;
    return del(c->log, ikey(it), c->place.klen, proc, arg);
}

static bool idel_force(void *it)
{
    return idel(it, NULL, NULL);
}

static int64_t verify(void *data, kumo_verify_report report, void *user)
{
    char text[96];
    size_t i, n;
    int64_t faults = 0;
    place *places = snapshot(data, &n);
    for (i = 0; i < n; i++) {
        char *entry = entry_read(data, places[i]);
        if (entry == NULL) {
            snprintf(text, sizeof text, "the entry at %llu cannot be read, or is damaged",
                     (unsigned long long)places[i].at);
            report(user, text);
            faults++;
        }
        free(entry);
    }
    free(places);
    return places == NULL ? -1 : faults;
}

/* ---- opening ---- */

/* A new name is safe once its directory is. */
static bool sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = strdup(slash == NULL ? "." : path);
    int fd;
    bool ok;
    if (dir == NULL) {
        return no_memory();
    }
    if (slash != NULL) {
        dir[slash == path ? 1 : slash - path] = '\0';
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = (fd >= 0 && fsync(fd) == 0) || fail_errno(dir);
    if (fd >= 0) {
        close(fd);
    }
    free(dir);
    return ok;
}

/* The good entry at `at`, for the caller to free; NULL: as from entry_load. */
static char *entry_at(log *l, uint64_t at, uint64_t size, place *p)
{
    head h;
    if (size < at + HEAD || !read_all(l->fd, (char *)&h, HEAD, at)) {
        errno = size < at + HEAD ? EBADMSG : errno;
        return NULL;
    }
    *p = (place){at, h.klen, h.vlen};
    if (entry_size(p->klen, p->vlen) > size - at) { /* so no bad length asks for great memory */
        errno = EBADMSG;
        return NULL;
    }
    return entry_load(l->fd, *p);
}

/* Reads the log into the index. */
static bool recover(log *l, uint64_t size)
{
    uint64_t at;
    place p;
    char *entry;
    l->end = sizeof magic;
    while ((entry = entry_at(l, l->end, size, &p)) != NULL) {
        slot *s = slot_new(entry + HEAD, p.klen, p.vlen, p.at);
        free(entry);
        if (s == NULL) {
            return false;
        }
        index_put(l, s);
        l->end += entry_size(p.klen, p.vlen);
    }
    for (at = l->end; at < size && errno == EBADMSG; at++) { /* is there anything good behind it? */
        if ((entry = entry_at(l, at, size, &p)) != NULL) {
            free(entry);
            return fail(KUMO_ERROR_CORRUPT, "the log is damaged", "restore it from a backup");
        }
    }
    if (errno != EBADMSG) {
        return fail_errno("cannot read the log");
    }
    if (l->end == size) {
        return true;
    }
    host->log(KUMO_LOG_WARN, "complete: a write that was cut short ends the log, and is removed");
    return ftruncate(l->fd, (off_t)l->end) == 0 || fail_errno("cannot cut the log");
}

static bool open_log(log *l, const char *path)
{
    char start[sizeof magic];
    struct stat st;
    size_t n;
    if (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return fail(KUMO_ERROR_INVALID, path, "it is not a file");
    }
    if (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
        return fail(KUMO_ERROR_BUSY, path, "in use by another process");
    }
    n = (uint64_t)st.st_size < sizeof start ? (size_t)st.st_size : sizeof start;
    if (!read_all(l->fd, start, n, 0)) {
        return fail_errno(path);
    }
    if (memcmp(start, magic, n) != 0) {
        return fail(KUMO_ERROR_INVALID, path, "it is not a log of this engine; name another file");
    }
    if (n == sizeof magic) {
        return recover(l, (uint64_t)st.st_size);
    }
    l->end = sizeof magic; /* new, or what a kill left of a new one */
    return (write_all(l->fd, magic, sizeof magic, 0) && fsync(l->fd) == 0) ? sync_directory(path)
                                                                            : fail_errno(path);
}

static bool open_(void *data, const char *path)
{
    log *l = data;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    return l->fd < 0 ? fail_errno(path) : open_log(l, path);
}

static void close_(void *l)
{
    sync_(l);
}

static void destroy(void *data)
{
    log *l = data;
    size_t i;
    for (i = 0; i < BUCKETS; i++) {
        while (l->buckets[i] != NULL) {
            slot *s = l->buckets[i];
            l->buckets[i] = s->next;
            free(s);
        }
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void *create(void)
{
    log *l = calloc(1, sizeof *l);
    if (l == NULL) {
        no_memory();
        return NULL;
    }
    l->fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

/* ---- backup ---- */

static bool copy_all(log *l, int fd)
{
    uint64_t end = sizeof magic;
    size_t i, n;
    place *places = snapshot(l, &n);
    bool ok = places != NULL && (write_all(fd, magic, sizeof magic, 0) || fail_errno("backup"));
    for (i = 0; ok && i < n; i++) {
        size_t size = entry_size(places[i].klen, places[i].vlen);
        char *entry = entry_read(l, places[i]);
        ok = entry != NULL && (write_all(fd, entry, size, end) || fail_errno("backup"));
        end += size;
        free(entry);
    }
    free(places);
    return ok && (fsync(fd) == 0 || fail_errno("backup"));
}

static bool backup(void *l, const char *dst)
{
    size_t size = strlen(dst) + sizeof ".tmp";
    char *tmp = malloc(size);
    int fd;
    bool ok;
    if (tmp == NULL) {
        return no_memory();
    }
    snprintf(tmp, size, "%s.tmp", dst);
    unlink(tmp); /* left by a backup that was killed; open says if it cannot be removed */
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ok = fd >= 0 || fail_errno(tmp);
    if (ok) {
        ok = copy_all(l, fd);
        close(fd);
        /* Unlike rename, link does not replace. */
        ok = ok && (link(tmp, dst) == 0 || fail_errno(dst));
        unlink(tmp);
        if (ok && !sync_directory(dst)) {
            unlink(dst);
            ok = false;
        }
    }
    free(tmp);
    return ok;
}

/* ---- what the host sees ---- */

static const kumo_plugin plugin = {
    .struct_size = sizeof(kumo_plugin),
    .abi_version = KUMO_ABI_VERSION,
    .thread_model = KUMO_THREAD_PARALLEL,
    .caps = KUMO_CAP_DURABLE_SYNC | KUMO_CAP_REENTRANT_SCAN,
    .name = "complete",
    .version = "1.0.0",
    .description = "a log in a file, with an index in memory",
    .op = {.create = create,
           .free = destroy,
           .open = open_,
           .close = close_,
           .get = get,
           .set = set,
           .del = del,
           .update = update,
           .rnum = rnum,
           .backup = backup,
           .for_each = for_each,
           .iterator_key = ikey,
           .iterator_val = ival,
           .iterator_keylen = ikeylen,
           .iterator_vallen = ivallen,
           .iterator_del = idel,
           .iterator_del_force = idel_force},
    .sync = sync_,
    .verify = verify,
};

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *h)
{
    (void)host_abi;
    host = h;
    return &plugin;
}
