/* verify reports a fault, and returns 0. */
#include "base.h"

static int64_t verify_lies(void *l, kumo_verify_report report, void *user)
{
    (void)l;
    report(user, "the first record is damaged");
    return 0;
}

SPOILED_PLUGIN("verify_lies", plugin->verify = verify_lies;)
