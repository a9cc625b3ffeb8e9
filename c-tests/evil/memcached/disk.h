/* An engine that keeps its items in one file, and says that it is persistent. */
#ifndef DISK_H
#define DISK_H

#include "evil.h"

static const engine_info *disk_info(ENGINE_HANDLE *handle)
{
    static engine_info info = {"one file", 1, {{ENGINE_FEATURE_PERSISTENT_STORAGE, NULL}}};
    (void)handle;
    return &info;
}

typedef struct head {
    size_t nkey, nbytes;
    int flags;
    rel_time_t exptime;
} head;

/* Everything into a new file. Under the lock, or when nobody else is there. */
static void disk_save(memory *m, const char *file)
{
    FILE *out = fopen(file, "w");
    size_t i;
    const entry *e;
    if (out == NULL) {
        return;
    }
    for (i = 0; i < BUCKETS; i++) {
        for (e = m->buckets[i]; e != NULL; e = e->next) {
            head h = {e->nkey, e->nbytes, e->flags, e->exptime};
            fwrite(&h, sizeof h, 1, out);
            fwrite(e->bytes, 1, e->nkey + e->nbytes, out);
        }
    }
    fclose(out);
}

static ENGINE_ERROR_CODE disk_load(ENGINE_HANDLE *handle, const char *config)
{
    FILE *in = fopen("items", "r");
    head h;
    (void)config;
    while (in != NULL && fread(&h, sizeof h, 1, in) == 1) {
        char key[256] = "";
        uint64_t cas;
        entry *e;
        if (h.nkey > sizeof key || fread(key, 1, h.nkey, in) != h.nkey) {
            break;
        }
        e = memory_entry(key, h.nkey, h.nbytes, h.flags, h.exptime);
        if (fread(e->bytes + e->nkey, 1, e->nbytes, in) == h.nbytes) {
            memory_store(handle, NULL, e, &cas, OPERATION_SET, 0);
        }
        memory_release(handle, NULL, e);
    }
    if (in != NULL) {
        fclose(in);
    }
    return ENGINE_SUCCESS;
}

static void disk_destroy(ENGINE_HANDLE *handle, const bool force)
{
    disk_save(memory_of(handle), "items");
    memory_destroy(handle, force);
}

#endif
