/* The functions of memcached/util.h. */
#include <memcached/util.h>

#include <arpa/inet.h>

#define CHECK(condition)                                                                           \
    if (!(condition))                                                                              \
    return __LINE__ % 256

int main(void)
{
    uint64_t ull;
    int64_t ll;
    uint32_t ul;
    int32_t l;
    float f;
    CHECK(safe_strtoull("18446744073709551615", &ull) && ull == UINT64_MAX);
    CHECK(!safe_strtoull("18446744073709551616", &ull) && ull == 0);
    CHECK(safe_strtoull(" 12 ", &ull) && ull == 12);
    CHECK(!safe_strtoull("", &ull) && !safe_strtoull("-1", &ull) && !safe_strtoull("1x", &ull));
    CHECK(safe_strtoll("-9223372036854775808", &ll) && ll == INT64_MIN);
    CHECK(!safe_strtoll("9223372036854775808", &ll) && !safe_strtoll("x", &ll));
    CHECK(safe_strtoul("4294967295", &ul) && ul == UINT32_MAX && !safe_strtoul("4294967296", &ul));
    CHECK(safe_strtol("-2147483648", &l) && l == INT32_MIN && !safe_strtol("2147483648", &l));
    CHECK(safe_strtof("0.5\r\n", &f) && f == 0.5F && !safe_strtof("half", &f));
    CHECK(ntohll(htonll(0x0102030405060708)) == 0x0102030405060708);
    CHECK(htonl(1) == 1 || htonll(1) == (uint64_t)1 << 56);
    return 0;
}
