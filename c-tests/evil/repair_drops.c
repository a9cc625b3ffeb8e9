/* repair forgets a record, and counts it. */
#include "log.h"

static int copy_but_one(void *user, void *it)
{
    int *state = user; /* a descriptor, and how many were shown */
    return state[1]++ == 0 ? 0 : log_copy(&state[0], it);
}

static int64_t repair_but_one(const char *from, const char *to, kumo_verify_report report,
                              void *user)
{
    void *l = create();
    int64_t records = -1;
    (void)report, (void)user;
    if (log_open(l, from)) {
        int state[2] = {open(to, O_WRONLY | O_CREAT | O_EXCL, 0600), 0};
        records = state[0] >= 0 && for_each(l, state, copy_but_one) >= 0 ? (int64_t)rnum(l) : -1;
        close(state[0]);
        log_close(l);
    }
    destroy(l);
    return records;
}

SPOILED_LOG("repair_drops", plugin->repair = repair_but_one;)
