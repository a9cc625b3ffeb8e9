/*
 * getv remembers the values that it has found. set, update, del and iterator_del make it
 * forget a key's; updatev does not.
 */
#include "base.h"

typedef struct known {
    void *list;
    uint32_t klen, vlen;
    char key[300], val[300];
} known;

static known all[64];
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

static known *place(const char *key, uint32_t klen)
{
    return &all[(klen + (klen > 0 ? (unsigned char)key[0] : 0)) % 64];
}

static void forget(const char *key, uint32_t klen)
{
    pthread_mutex_lock(&known_lock);
    place(key, klen)->list = NULL;
    pthread_mutex_unlock(&known_lock);
}

static void remember(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    known *k = place(key, klen);
    pthread_mutex_lock(&known_lock);
    if (klen <= sizeof k->key && vlen <= sizeof k->val) {
        k->list = l;
        memcpy(k->key, key, k->klen = klen);
        memcpy(k->val, val, k->vlen = vlen);
    }
    pthread_mutex_unlock(&known_lock);
}

static const char *remembered(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                              msgpack_zone *zone)
{
    known *k = place(key, klen);
    const char *val = NULL;
    pthread_mutex_lock(&known_lock);
    if (k->list == l && k->klen == klen && memcmp(k->key, key, klen) == 0) {
        val = copy(k->val, *vlen = k->vlen, zone);
    }
    pthread_mutex_unlock(&known_lock);
    return val;
}

static bool getv_stale(void *l, const char *const *keys, const uint32_t *klens, uint32_t num,
                       const char **vals, uint32_t *vlens, msgpack_zone *zone)
{
    uint32_t i;
    for (i = 0; i < num; i++) {
        vals[i] = remembered(l, keys[i], klens[i], &vlens[i], zone);
        if (!vals[i] && (vals[i] = get(l, keys[i], klens[i], &vlens[i], zone)) != NULL) {
            remember(l, keys[i], klens[i], vals[i], vlens[i]);
        }
    }
    return true;
}

static bool set_known(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    forget(key, klen);
    return set(l, key, klen, val, vlen);
}

static bool update_known(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *casdata)
{
    forget(key, klen);
    return update(l, key, klen, val, vlen, proc, casdata);
}

static bool del_known(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc,
                      void *casdata)
{
    forget(key, klen);
    return del(l, key, klen, proc, casdata);
}

static bool idel_known(void *r, kumo_storage_casproc proc, void *casdata)
{
    forget(ikey(r), ((rec *)r)->klen);
    return idel(r, proc, casdata);
}

static bool idel_force_known(void *r)
{
    return idel_known(r, NULL, NULL);
}

static int updatev_stale(void *l, const char **keys, const size_t *klens, const char **vals,
                         const size_t *vlens, uint16_t num)
{
    int i;
    for (i = 0; i < num; i++) {
        if (!set(l, keys[i], (uint32_t)klens[i], vals[i], (uint32_t)vlens[i])) {
            break;
        }
    }
    return i;
}

SPOILED_PLUGIN("getv_stale", plugin->getv = getv_stale; op->updatev = updatev_stale;
               op->set = set_known; op->update = update_known; op->del = del_known;
               op->iterator_del = idel_known; op->iterator_del_force = idel_force_known;)
