/* Deletes are not written to the file: what was deleted comes back. */
#include "log.h"

SPOILED_LOG("deletes_come_back", op->del = del;)
