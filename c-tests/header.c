/* The public header alone, and twice, and its inline readers. Compiled as C and as C++. */
#include <kumo_storage.h>
#include <kumo_storage.h>

#define CHECK(condition)                                                                           \
    if (!(condition))                                                                              \
    return __LINE__ % 256

int main(void)
{
    static const char val[] = "\x01\x02\x03\x04\x05\x06\x07\xff\x00\x05" "data";
    CHECK(kumo_value_clocktime(val, 14) == 0x01020304050607ffU);
    CHECK(kumo_value_clocktime(val, 8) == 0x01020304050607ffU);
    CHECK(kumo_value_clocktime(val, 7) == 0);
    CHECK(kumo_value_meta(val, 14) == 5);
    CHECK(kumo_value_meta(val, 10) == 5);
    CHECK(kumo_value_meta(val, 9) == 0);
    CHECK(kumo_value_is_tombstone(val, 8) && kumo_value_is_tombstone(val, 9));
    CHECK(!kumo_value_is_tombstone(val, 7) && !kumo_value_is_tombstone(val, 10));
    CHECK(kumo_key_hash(val, 12) == 0x01020304050607ffU);
    CHECK(kumo_key_hash(val, 7) == 0);
    return 0;
}
