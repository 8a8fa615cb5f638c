//! Strings taken for rows of bits.

use crate::support::logged::logged_alike;
use crate::support::{assert_counted_alike, transcript};

#[test]
fn setbit_and_getbit_count_from_the_highest_bit_of_the_first_byte() {
    transcript(
        r#"
        > SETBIT k 7 1
        (integer) 0
        > GET k
        "\x01"
        > SETBIT k 0 1
        (integer) 0
        > GET k
        "\x81"
        > SETBIT k 7 0
        (integer) 1
        > GET k
        "\x80"
        > GETBIT k 0
        (integer) 1
        > GETBIT k 7
        (integer) 0
        > GETBIT k 100
        (integer) 0
        > GETBIT none 0
        (integer) 0
        > EXISTS none
        (integer) 0
        > GETBIT k 4294967295
        (integer) 0
        "#,
    );
}

#[test]
fn setbit_makes_room_with_zeros() {
    transcript(
        r#"
        > SETBIT k 23 1
        (integer) 0
        > GET k
        "\x00\x00\x01"
        > SETBIT k 40 0
        (integer) 0
        > GET k
        "\x00\x00\x01\x00\x00\x00"
        > SETBIT none 15 0
        (integer) 0
        > GET none
        "\x00\x00"
        > STRLEN none
        (integer) 2
        "#,
    );
}

#[test]
fn setbit_leaves_a_raw_string_behind() {
    transcript(
        r#"
        > SET n 12
        OK
        > OBJECT ENCODING n
        "int"
        > GETBIT n 2
        (integer) 1
        > OBJECT ENCODING n
        "int"
        > SETBIT n 0 0
        (integer) 0
        > GET n
        "12"
        > OBJECT ENCODING n
        "raw"
        > SET e abc
        OK
        > SETBIT e 7 0
        (integer) 1
        > GET e
        "`bc"
        > OBJECT ENCODING e
        "raw"
        > SETBIT new 0 1
        (integer) 0
        > OBJECT ENCODING new
        "raw"
        "#,
    );
}

#[test]
fn expiry_stays_with_a_string_that_setbit_changes() {
    transcript(
        r#"
        > SET k a EX 1000
        OK
        > SETBIT k 6 1
        (integer) 0
        > GET k
        "c"
        > PERSIST k
        (integer) 1
        "#,
    );
}

#[test]
fn setbit_and_getbit_refuse_what_is_no_bit() {
    transcript(
        r#"
        > SETBIT k
        (error) ERR wrong number of arguments for 'setbit' command
        > SETBIT k 0
        (error) ERR wrong number of arguments for 'setbit' command
        > SETBIT k 0 1 2
        (error) ERR wrong number of arguments for 'setbit' command
        > GETBIT k
        (error) ERR wrong number of arguments for 'getbit' command
        > GETBIT k 0 1
        (error) ERR wrong number of arguments for 'getbit' command
        > SETBIT k -1 0
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k x y
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 1.5 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k "" 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k #1 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 4294967296 0
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 9223372036854775807 0
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 9223372036854775808 0
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 0 2
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 -1
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 01
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 "1 "
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 x
        (error) ERR bit is not an integer or out of range
        > GETBIT k -1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k #1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k 4294967296
        (error) ERR bit offset is not an integer or out of range
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn offsets_end_at_the_longest_string() {
    transcript(
        r#"
        # flags --proto-max-bulk-len 1mb
        > SETBIT k 8388608 1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k 8388608
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 8388608
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 8388608 1
        (error) ERR bit offset is not an integer or out of range
        > EXISTS k
        (integer) 0
        > SETBIT k 8388607 1
        (integer) 0
        > STRLEN k
        (integer) 1048576
        > DEL k
        (integer) 1
        > BITFIELD k SET u8 8388607 255
        1) (integer) 0
        > STRLEN k
        (integer) 1048577
        "#,
    );
}

#[test]
fn bitcount_counts_ones() {
    transcript(
        r#"
        > SET k foobar
        OK
        > BITCOUNT k
        (integer) 26
        > BITCOUNT k 0 0
        (integer) 4
        > BITCOUNT k 1 1
        (integer) 6
        > BITCOUNT k 0 -1
        (integer) 26
        > BITCOUNT k -2 -1
        (integer) 7
        > BITCOUNT k 1 1 BYTE
        (integer) 6
        > BITCOUNT k 5 30 BIT
        (integer) 17
        > BITCOUNT k 5 5 bit
        (integer) 1
        > BITCOUNT k 0 -1 bit
        (integer) 26
        > BITCOUNT k -3 -1 BIT
        (integer) 1
        > BITCOUNT k 6 99
        (integer) 0
        > BITCOUNT k 5 99
        (integer) 4
        > BITCOUNT k 3 2
        (integer) 0
        > BITCOUNT k -1 -2
        (integer) 0
        > BITCOUNT k -100 -99
        (integer) 4
        > BITCOUNT k -99 -100
        (integer) 0
        > BITCOUNT k -100 0
        (integer) 4
        > BITCOUNT k -100 -99 BIT
        (integer) 0
        > BITCOUNT k 9223372036854775807 9223372036854775807
        (integer) 0
        > BITCOUNT k -9223372036854775808 9223372036854775807 BIT
        (integer) 26
        > BITCOUNT none
        (integer) 0
        > BITCOUNT none 0 -1
        (integer) 0
        > BITCOUNT none 0 -1 BIT
        (integer) 0
        > SET n 255
        OK
        > BITCOUNT n
        (integer) 11
        > SET e ""
        OK
        > BITCOUNT e
        (integer) 0
        > BITCOUNT e 0 -1 BIT
        (integer) 0
        "#,
    );
}

#[test]
fn bitcount_refuses_half_a_range() {
    transcript(
        r#"
        > BITCOUNT
        (error) ERR wrong number of arguments for 'bitcount' command
        > BITCOUNT k 0
        (error) ERR syntax error
        > BITCOUNT none 0
        (error) ERR syntax error
        > BITCOUNT k 0 1 NIBBLE
        (error) ERR syntax error
        > BITCOUNT k 0 1 BIT x
        (error) ERR syntax error
        > BITCOUNT k x 1 NIBBLE
        (error) ERR value is not an integer or out of range
        > BITCOUNT k 0 x NIBBLE
        (error) ERR value is not an integer or out of range
        > BITCOUNT k 0 1.0
        (error) ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn bitpos_finds_the_first_bit() {
    transcript(
        r#"
        > SET k "\xff\xf0\x00"
        OK
        > BITPOS k 0
        (integer) 12
        > BITPOS k 1
        (integer) 0
        > BITPOS k 1 2
        (integer) -1
        > BITPOS k 0 0 0
        (integer) -1
        > BITPOS k 0 0
        (integer) 12
        > BITPOS k 0 -1
        (integer) 16
        > BITPOS k 1 0 -1
        (integer) 0
        > BITPOS k 1 7 15 BIT
        (integer) 7
        > BITPOS k 0 7 11 BIT
        (integer) -1
        > BITPOS k 0 7 12 BIT
        (integer) 12
        > BITPOS k 1 12 -1 BIT
        (integer) -1
        > BITPOS k 0 -3 -2 bit
        (integer) 21
        > BITPOS k 0 2 1
        (integer) -1
        > BITPOS k 0 3
        (integer) -1
        > BITPOS k 0 99 100
        (integer) -1
        > BITPOS k 1 -8 -9
        (integer) 0
        > BITPOS k 1 -8 -9 BIT
        (integer) -1
        > BITPOS k 0 -9223372036854775808 9223372036854775807
        (integer) 12
        > SET k "\x00\x00"
        OK
        > BITPOS k 1
        (integer) -1
        > BITPOS k 1 0 -1 BIT
        (integer) -1
        > BITPOS k 0 1
        (integer) 8
        > SET k "\xff\xff"
        OK
        > BITPOS k 0
        (integer) 16
        > BITPOS k 0 1
        (integer) 16
        > BITPOS k 0 1 -1
        (integer) -1
        > BITPOS k 0 0 -1 BIT
        (integer) -1
        > BITPOS k 0 2
        (integer) -1
        > BITPOS k 1 3 5 BIT
        (integer) 3
        "#,
    );
}

#[test]
fn bitpos_of_what_is_not_there() {
    transcript(
        r#"
        > BITPOS none 0
        (integer) 0
        > BITPOS none 1
        (integer) -1
        > BITPOS none 0 5
        (integer) 0
        > BITPOS none 0 5 2 BIT
        (integer) 0
        > BITPOS none 1 0 -1
        (integer) -1
        > SET e ""
        OK
        > BITPOS e 0
        (integer) -1
        > BITPOS e 1
        (integer) -1
        > BITPOS e 0 0 -1
        (integer) -1
        > BITPOS e 0 0 -1 BIT
        (integer) -1
        > SET n 1
        OK
        > BITPOS n 1
        (integer) 2
        "#,
    );
}

#[test]
fn bitpos_refuses_what_it_cannot_read() {
    transcript(
        r#"
        > BITPOS k
        (error) ERR wrong number of arguments for 'bitpos' command
        > BITPOS k 2
        (error) ERR The bit argument must be 1 or 0.
        > BITPOS k -1
        (error) ERR The bit argument must be 1 or 0.
        > BITPOS k x
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 x
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 0 x
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 0 x NIBBLE
        (error) ERR syntax error
        > BITPOS k 1 x 0 NIBBLE
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 0 1 NIBBLE
        (error) ERR syntax error
        > BITPOS k 1 0 1 BIT x
        (error) ERR syntax error
        "#,
    );
}

#[test]
fn bitop_combines_strings() {
    transcript(
        r#"
        > SET a "\x0f\xf0\xff"
        OK
        > SET b "\x3c"
        OK
        > BITOP AND d a b
        (integer) 3
        > GET d
        "\x0c\x00\x00"
        > BITOP OR d a b
        (integer) 3
        > GET d
        "?\xf0\xff"
        > bitop xOr d a b
        (integer) 3
        > GET d
        "3\xf0\xff"
        > BITOP NOT d a
        (integer) 3
        > GET d
        "\xf0\x0f\x00"
        > OBJECT ENCODING d
        "raw"
        > BITOP AND d a
        (integer) 3
        > GET d
        "\x0f\xf0\xff"
        > BITOP OR d b a none
        (integer) 3
        > GET d
        "?\xf0\xff"
        > BITOP XOR d a a
        (integer) 3
        > GET d
        "\x00\x00\x00"
        > BITOP AND d none b
        (integer) 1
        > GET d
        "\x00"
        > BITOP NOT a a
        (integer) 3
        > GET a
        "\xf0\x0f\x00"
        > SET n 12
        OK
        > BITOP OR d n
        (integer) 2
        > GET d
        "12"
        > OBJECT ENCODING d
        "raw"
        "#,
    );
}

#[test]
fn bitop_takes_any_number_of_keys() {
    transcript(
        r#"
        > SET a "\x01\x02\x04\x08\x10\x20\x40\x80\x01"
        OK
        > SET b "\x80\x40\x20\x10\x08\x04\x02\x01\x80\x40"
        OK
        > SET c "\xff\xff"
        OK
        > BITOP OR d a b c
        (integer) 10
        > GET d
        "\xff\xff$\x18\x18$B\x81\x81@"
        > BITOP XOR d a b c c
        (integer) 10
        > GET d
        "\x81B$\x18\x18$B\x81\x81@"
        > BITOP AND d c b c
        (integer) 10
        > GET d
        "\x80@\x00\x00\x00\x00\x00\x00\x00\x00"
        "#,
    );
}

#[test]
fn bitop_removes_what_an_empty_result_is_stored_over() {
    transcript(
        r#"
        > SET d x EX 100
        OK
        > BITOP AND d none
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET d x
        OK
        > BITOP OR d none none
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET e ""
        OK
        > BITOP NOT d e
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET d x EX 100
        OK
        > BITOP NOT d d
        (integer) 1
        > TTL d
        (integer) -1
        > GET d
        "\x87"
        "#,
    );
}

#[test]
fn bitop_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > BITOP AND d
        (error) ERR wrong number of arguments for 'bitop' command
        > BITOP NAND d a
        (error) ERR syntax error
        > BITOP NOT d a b
        (error) ERR BITOP NOT must be called with a single source key.
        > BITOP NOT d
        (error) ERR wrong number of arguments for 'bitop' command
        > BITOP "" d a
        (error) ERR syntax error
        > EXISTS d
        (integer) 0
        "#,
    );
}

#[test]
fn bitfield_reads_and_writes_fields() {
    transcript(
        r#"
        > BITFIELD k SET u8 0 255 GET u4 0 GET i4 0 GET u4 6
        1) (integer) 0
        2) (integer) 15
        3) (integer) -1
        4) (integer) 12
        > GET k
        "\xff"
        > BITFIELD k INCRBY u2 100 1
        1) (integer) 1
        > STRLEN k
        (integer) 13
        > BITFIELD k GET u8 #0 GET u8 #1 GET i64 0 GET u63 1
        1) (integer) 255
        2) (integer) 0
        3) (integer) -72057594037927936
        4) (integer) 9151314442816847872
        > BITFIELD k SET i5 #3 -3 GET i5 #3 GET u5 15
        1) (integer) 0
        2) (integer) -3
        3) (integer) 29
        > BITFIELD k
        (empty array)
        > BITFIELD none
        (empty array)
        > BITFIELD none GET u8 0 GET i64 1000000
        1) (integer) 0
        2) (integer) 0
        > EXISTS none
        (integer) 0
        > BITFIELD k GET i1 0 GET u1 0
        1) (integer) -1
        2) (integer) 1
        > SET n 12
        OK
        > BITFIELD n GET u16 0
        1) (integer) 12594
        > OBJECT ENCODING n
        "int"
        > BITFIELD n SET u8 0 49
        1) (integer) 49
        > OBJECT ENCODING n
        "raw"
        > BITFIELD k SET i64 3 -9223372036854775808 GET i64 3 SET u63 0 9223372036854775807 GET u63 0
        1) (integer) -572379365141118976
        2) (integer) -9223372036854775808
        3) (integer) 8646911284551352320
        4) (integer) 9223372036854775807
        > BITFIELD k GET u8 #2305843009213693952 GET u8 #2305843009213693953
        1) (integer) 255
        2) (integer) 255
        "#,
    );
}

#[test]
fn bitfield_wraps_around() {
    transcript(
        r#"
        > BITFIELD k SET u8 0 250 INCRBY u8 0 10 INCRBY u8 0 -5
        1) (integer) 0
        2) (integer) 4
        3) (integer) 255
        > BITFIELD k SET i8 0 127 INCRBY i8 0 1 INCRBY i8 0 -1
        1) (integer) -1
        2) (integer) -128
        3) (integer) 127
        > BITFIELD k SET u8 0 256 GET u8 0 SET u8 0 -1 GET u8 0
        1) (integer) 127
        2) (integer) 0
        3) (integer) 0
        4) (integer) 255
        > BITFIELD k SET i8 0 128 GET i8 0 SET i8 0 -129 GET i8 0
        1) (integer) -1
        2) (integer) -128
        3) (integer) -128
        4) (integer) 127
        > BITFIELD k SET i64 0 9223372036854775807 INCRBY i64 0 1 INCRBY i64 0 -1
        1) (integer) 9151314442816847872
        2) (integer) -9223372036854775808
        3) (integer) 9223372036854775807
        > BITFIELD k SET u63 0 9223372036854775807 INCRBY u63 0 1 INCRBY u63 0 -1
        1) (integer) 4611686018427387903
        2) (integer) 0
        3) (integer) 9223372036854775807
        > BITFIELD k SET i1 0 1 GET i1 0 INCRBY i1 0 1 INCRBY i1 0 -1
        1) (integer) -1
        2) (integer) -1
        3) (integer) 0
        4) (integer) -1
        "#,
    );
}

#[test]
fn bitfield_saturates() {
    transcript(
        r#"
        > BITFIELD k OVERFLOW SAT SET u8 0 250 INCRBY u8 0 10 INCRBY u8 0 -300
        1) (integer) 0
        2) (integer) 255
        3) (integer) 0
        > BITFIELD k OVERFLOW SAT SET i8 0 100 INCRBY i8 0 100 INCRBY i8 0 -1000
        1) (integer) 0
        2) (integer) 127
        3) (integer) -128
        > BITFIELD k OVERFLOW SAT SET u8 0 256 GET u8 0 SET u8 0 -1 GET u8 0
        1) (integer) 128
        2) (integer) 255
        3) (integer) 255
        4) (integer) 255
        > BITFIELD k OVERFLOW SAT SET i8 0 128 GET i8 0 SET i8 0 -129 GET i8 0
        1) (integer) -1
        2) (integer) 127
        3) (integer) 127
        4) (integer) -128
        > BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775680 GET i8 0
        1) (integer) -128
        2) (integer) -128
        > BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775681 GET i8 0
        1) (integer) -128
        2) (integer) 127
        > BITFIELD k OVERFLOW SAT SET i64 0 9223372036854775807 INCRBY i64 0 1 INCRBY i64 0 -1
        1) (integer) 9151314442816847872
        2) (integer) 9223372036854775807
        3) (integer) 9223372036854775806
        > BITFIELD k OVERFLOW SAT INCRBY i64 0 -9223372036854775808 INCRBY i64 0 -9223372036854775808
        1) (integer) -2
        2) (integer) -9223372036854775808
        > BITFIELD k OVERFLOW SAT SET u63 0 0 INCRBY u63 0 -1 INCRBY u63 0 9223372036854775807 INCRBY u63 0 1
        1) (integer) 4611686018427387904
        2) (integer) 0
        3) (integer) 9223372036854775807
        4) (integer) 9223372036854775807
        "#,
    );
}

#[test]
fn bitfield_fails_where_it_is_told_to() {
    transcript(
        r#"
        > BITFIELD k SET u8 0 250 OVERFLOW FAIL INCRBY u8 0 10 GET u8 0 INCRBY u8 0 5
        1) (integer) 0
        2) (nil)
        3) (integer) 250
        4) (integer) 255
        > BITFIELD k OVERFLOW FAIL SET u8 0 256 SET u8 0 -1 SET i8 0 128 GET u8 0
        1) (nil)
        2) (nil)
        3) (nil)
        4) (integer) 255
        > BITFIELD k OVERFLOW FAIL INCRBY u8 0 1 OVERFLOW WRAP INCRBY u8 0 1 OVERFLOW FAIL INCRBY u8 0 -2 OVERFLOW SAT INCRBY u8 0 -2
        1) (nil)
        2) (integer) 0
        3) (nil)
        4) (integer) 0
        > BITFIELD new OVERFLOW FAIL SET u8 8 256
        1) (nil)
        > STRLEN new
        (integer) 2
        > BITFIELD k OVERFLOW FAIL SET u8 24 256
        1) (nil)
        > STRLEN k
        (integer) 4
        "#,
    );
}

#[test]
fn bitfield_refuses_what_it_cannot_read() {
    transcript(
        r#"
        > BITFIELD
        (error) ERR wrong number of arguments for 'bitfield' command
        > BITFIELD k x
        (error) ERR syntax error
        > BITFIELD k GET
        (error) ERR syntax error
        > BITFIELD k GET u8
        (error) ERR syntax error
        > BITFIELD k SET u8 0
        (error) ERR syntax error
        > BITFIELD k INCRBY u8 0
        (error) ERR syntax error
        > BITFIELD k OVERFLOW
        (error) ERR syntax error
        > BITFIELD k OVERFLOW x
        (error) ERR Invalid OVERFLOW type specified
        > BITFIELD k OVERFLOW WRAP x
        (error) ERR syntax error
        > BITFIELD k GET u64 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET i65 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET i0 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET "" 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET U8 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u08 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET "u8\x00x" 0
        1) (integer) 0
        > BITFIELD k GET u8 -1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #-1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 ##1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 ""
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 x
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 4294967296
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #536870912
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 0 x
        (error) ERR value is not an integer or out of range
        > BITFIELD k SET u8 x x
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u99 x x
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k SET u8 0 1 GET
        (error) ERR syntax error
        > BITFIELD k SET u8 0 9223372036854775808
        (error) ERR value is not an integer or out of range
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn bitfield_ro_only_reads() {
    transcript(
        r#"
        > SET k abc
        OK
        > BITFIELD_RO k GET u8 0 get u8 #1
        1) (integer) 97
        2) (integer) 98
        > BITFIELD_RO k
        (empty array)
        > BITFIELD_RO none GET u8 0
        1) (integer) 0
        > BITFIELD_RO k SET u8 0 1
        (error) ERR BITFIELD_RO only supports the GET subcommand
        > BITFIELD_RO k GET u8 0 INCRBY u8 0 1
        (error) ERR BITFIELD_RO only supports the GET subcommand
        > BITFIELD_RO k SET u8 0 x
        (error) ERR value is not an integer or out of range
        > BITFIELD_RO k SET u8 0 1 x
        (error) ERR syntax error
        > BITFIELD_RO k OVERFLOW SAT GET u8 0
        1) (integer) 97
        > BITFIELD_RO k OVERFLOW x
        (error) ERR Invalid OVERFLOW type specified
        > BITFIELD_RO
        (error) ERR wrong number of arguments for 'bitfield_ro' command
        > GET k
        "abc"
        "#,
    );
}

#[test]
fn a_request_says_whether_bitfield_writes() {
    transcript(
        r#"
        > COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITFIELD k OVERFLOW SAT GET u8 0 SET u8 0 1
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS BITFIELD k OVERFLOW SAT
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITFIELD k
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITFIELD k x
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS BITFIELD k GET SET 0
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITFIELD_RO k GET u8 0
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITOP AND d a b
        1) 1) "d"
           2) 1) OW
              2) update
        2) 1) "a"
           2) 1) RO
              2) access
        3) 1) "b"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS SETBIT k 0 1
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        "#,
    );
}

#[test]
fn what_changes_no_bit_is_not_logged() {
    let logged = logged_alike(
        &[
            "SETBIT k 7 0",
            "SETBIT k 7 0",
            "SETBIT k 7 1",
            "SETBIT k 7 1",
            "SETBIT k 15 0",
            "BITFIELD k GET u8 0",
            "BITFIELD k SET u8 0 1",
            "BITFIELD k SET u8 0 1 INCRBY u8 0 0",
            "BITFIELD k SET u8 0 2 OVERFLOW SAT INCRBY u8 8 300",
            "BITFIELD k OVERFLOW FAIL INCRBY u8 8 300",
            "BITFIELD k SET u8 16 0",
            "BITFIELD_RO k GET u8 0",
            "BITOP NOT d k",
            "BITOP NOT d k",
            "BITOP AND d none",
            "BITOP AND d none",
            "SET n 12",
            "SETBIT n 0 0",
        ],
        &[],
    );
    assert_eq!(
        logged,
        [
            "SELECT 0",
            "SETBIT k 7 0",
            "SETBIT k 7 1",
            "SETBIT k 15 0",
            "BITFIELD k SET u8 0 2 OVERFLOW SAT INCRBY u8 8 300",
            "BITFIELD k SET u8 16 0",
            "BITOP NOT d k",
            "BITOP NOT d k",
            "BITOP AND d none",
            "SET n 12",
        ]
    );
}

#[test]
fn changes_and_lookups_are_counted_as_by_redis() {
    let lines = [
        "SETBIT k 7 0",
        "SETBIT k 7 0",
        "SETBIT k 7 1",
        "SETBIT k 30 0",
        "GETBIT k 7",
        "GETBIT none 7",
        "BITCOUNT k",
        "BITCOUNT none 0 1",
        "BITPOS k 1",
        "BITFIELD k GET u8 0 GET u8 8",
        "BITFIELD none GET u8 0",
        "BITFIELD k SET u8 0 1 SET u8 0 2 SET u8 0 2 INCRBY u8 8 1",
        "BITFIELD k SET u8 0 2 SET u8 100 0 SET u8 0 2 GET u8 0",
        "BITFIELD k SET u8 0 3 OVERFLOW FAIL SET u8 200 256 SET u8 100 0",
        "BITFIELD new SET u8 0 0 SET u8 8 0",
        "BITOP AND d k new none",
        "BITOP NOT d d",
        "BITOP OR d none",
        "BITOP OR d none",
    ];
    assert_counted_alike(&lines);
}

#[test]
fn bitmaps_are_strings() {
    transcript(
        r#"
        > RPUSH list a
        (integer) 1
        > SETBIT list 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SETBIT list 0 2
        (error) ERR bit is not an integer or out of range
        > SETBIT list -1 2
        (error) ERR bit offset is not an integer or out of range
        > GETBIT list 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GETBIT list x
        (error) ERR bit offset is not an integer or out of range
        > BITCOUNT list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITCOUNT list 0
        (error) ERR syntax error
        > BITCOUNT list 0 x
        (error) ERR value is not an integer or out of range
        > BITCOUNT list 0 1 BIT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITPOS list 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITPOS list 2
        (error) ERR The bit argument must be 1 or 0.
        > BITPOS list 1 0 1 NIBBLE
        (error) ERR syntax error
        > BITPOS list 1 0 1 BIT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITOP AND d a list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITOP NOT d list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITOP NOT d list a
        (error) ERR BITOP NOT must be called with a single source key.
        > BITOP NAND d list
        (error) ERR syntax error
        > BITFIELD list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITFIELD list GET u8 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITFIELD list SET u8 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITFIELD list SET u8 x 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD_RO list GET u8 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BITFIELD_RO list SET u8 0 1
        (error) ERR BITFIELD_RO only supports the GET subcommand
        > RPUSH d x
        (integer) 1
        > BITOP OR d none none
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET s abc
        OK
        > BITOP NOT list s
        (integer) 3
        > TYPE list
        string
        "#,
    );
}
