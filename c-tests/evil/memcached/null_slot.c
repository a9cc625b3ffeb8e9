/* A function that is required is NULL. */
#include "evil.h"

EVIL(t->get_item_info = NULL;)
