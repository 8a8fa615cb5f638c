//! Sorted sets: replies, errors, encodings, and what is logged and counted.

use crate::support::logged::logged_alike;
use crate::support::{assert_counted_alike, transcript};

#[test]
fn pops_are_logged_as_what_they_took() {
    let logged = logged_alike(
        &[
            "ZADD z 1 a 2.5 b inf c -0 d 1e20 e 3 f 4 g 5 h",
            "ZADD z 1 a",
            "ZADD z NX 9 a",
            "ZADD z XX GT CH 5 a",
            "ZADD z XX INCR 0.1 a",
            "zincrby z 0 a",
            "ZINCRBY z 1 new",
            "ZPOPMIN z",
            "zpopmax z 2",
            "ZPOPMIN z 0",
            "BZPOPMIN none z 0",
            "BZPOPMAX z 0",
            "ZMPOP 2 none z MIN COUNT 2",
            "BZMPOP 0 2 none z MAX COUNT 100",
            "ZPOPMIN z",
            "MULTI",
            "BZPOPMIN z 0",
            "EXEC",
        ],
        &[],
    );
    assert!(
        logged
            .iter()
            .all(|line| !line.to_uppercase().contains("BZ"))
    );
}

#[test]
fn what_is_stored_is_logged_as_it_was_sent() {
    logged_alike(
        &[
            "ZADD a 1 x 2 y",
            "ZADD b 3 y 4 z",
            "ZUNIONSTORE d 2 a b WEIGHTS 2 3",
            "ZINTERSTORE d 2 a b",
            "ZDIFFSTORE d 2 a b",
            "ZDIFFSTORE d 2 a a",
            "ZDIFFSTORE d 2 a a",
            "ZRANGESTORE d a 0 -1",
            "ZRANGESTORE d a 5 6",
            "ZRANGESTORE d a 5 6",
            "ZREM a none",
            "ZREM a x none",
            "ZREMRANGEBYRANK b 5 6",
            "ZREMRANGEBYSCORE b 3 3",
            "ZREMRANGEBYLEX b - +",
            "ZRANDMEMBER a 3",
            "ZUNION 2 a b",
        ],
        &[],
    );
}

#[test]
fn changes_and_lookups_are_counted_as_by_redis() {
    let lines = [
        "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g",
        "ZADD z 1 a 3 b 9 new",
        "ZADD z XX 1 none",
        "ZADD none XX 1 none",
        "ZINCRBY z 1 a",
        "ZINCRBY z 0 a",
        "ZREM z a none",
        "ZREM none a",
        "ZCARD z",
        "ZSCORE none a",
        "ZMSCORE z a b c",
        "ZRANK z b",
        "ZRANGE z 0 -1",
        "ZRANGE none 0 -1",
        "ZCOUNT z 1 2",
        "ZUNION 3 z none z",
        "ZINTERCARD 2 z none",
        "ZDIFFSTORE d 2 z none",
        "ZRANGESTORE d z 0 2",
        "ZRANGESTORE d none 0 2",
        "ZRANGESTORE d none 0 2",
        "ZREMRANGEBYRANK z 0 1",
        "ZREMRANGEBYSCORE z -inf 3",
        "ZPOPMIN z 2",
        "ZPOPMAX none 2",
        "ZMPOP 2 none z MIN COUNT 1",
        "BZPOPMIN none z 0",
        "BZMPOP 0.01 1 none MIN",
        "ZSCAN z 0",
        "ZRANDMEMBER z",
        "ZREMRANGEBYLEX z - +",
        "DEL z",
    ];
    assert_counted_alike(&lines);
}

#[test]
fn zadd_adds_and_changes() {
    transcript(
        r#"
        > ZADD z 1 a 2 b
        (integer) 2
        > ZADD z 1 a 3 b 4 c
        (integer) 1
        > ZADD z CH 1 a 5 b 6 d
        (integer) 2
        > ZADD z CH 1 a 1 a
        (integer) 0
        > ZADD z 1 e 2 e 3 e
        (integer) 1
        > ZRANGE z 0 -1 WITHSCORES
         1) "a"
         2) "1"
         3) "e"
         4) "3"
         5) "c"
         6) "4"
         7) "b"
         8) "5"
         9) "d"
        10) "6"
        > ZCARD z
        (integer) 5
        > ZADD z 7 ""
        (integer) 1
        > ZADD z 7 "\x00\xff\r\n"
        (integer) 1
        > ZSCORE z ""
        "7"
        > ZSCORE z "\x00\xff\r\n"
        "7"
        > TYPE z
        zset
        > OBJECT ENCODING z
        "listpack"
        "#,
    );
}

#[test]
fn zadd_has_conditions() {
    transcript(
        r#"
        > ZADD z XX 1 a
        (integer) 0
        > EXISTS z
        (integer) 0
        > ZADD z NX 1 a
        (integer) 1
        > ZADD z NX 2 a 3 b
        (integer) 1
        > ZADD z XX 4 a 5 c
        (integer) 0
        > ZADD z XX CH 4 a 6 b
        (integer) 1
        > ZRANGE z 0 -1 WITHSCORES
        1) "a"
        2) "4"
        3) "b"
        4) "6"
        > ZADD z GT 3 a 7 b 1 new
        (integer) 1
        > ZADD z LT 3 a 8 b 2 newer
        (integer) 1
        > ZADD z GT CH 9 a 1 b
        (integer) 1
        > ZADD z LT CH 1 a 100 b
        (integer) 1
        > ZADD z XX GT CH 50 a 50 none
        (integer) 1
        > ZADD z XX LT CH 40 a 40 none
        (integer) 1
        > ZRANGE z 0 -1 WITHSCORES
        1) "new"
        2) "1"
        3) "newer"
        4) "2"
        5) "b"
        6) "7"
        7) "a"
        8) "40"
        > ZADD z nx ch 5 a 6 f
        (integer) 1
        "#,
    );
}

#[test]
fn zadd_increments() {
    transcript(
        r#"
        > ZADD z INCR 1.5 a
        "1.5"
        > ZADD z INCR 1 a
        "2.5"
        > ZADD z NX INCR 1 a
        (nil)
        > ZADD z XX INCR 1 b
        (nil)
        > ZADD none XX INCR 1 b
        (nil)
        > ZADD z GT INCR -1 a
        (nil)
        > ZADD z GT INCR 1 a
        "3.5"
        > ZADD z LT INCR 1 a
        (nil)
        > ZADD z LT INCR -2 a
        "1.5"
        > ZADD z INCR CH 0 a
        "1.5"
        > ZINCRBY z 0.1 a
        "1.6"
        > ZINCRBY z -1 new
        "-1"
        > ZINCRBY z inf a
        "inf"
        > ZINCRBY z -inf a
        (error) ERR resulting score is not a number (NaN)
        > ZINCRBY z 1 a
        "inf"
        > ZADD z INCR -inf a
        (error) ERR resulting score is not a number (NaN)
        > ZADD none INCR -inf a
        "-inf"
        > ZINCRBY none inf a
        (error) ERR resulting score is not a number (NaN)
        > ZRANGE z 0 -1 WITHSCORES
        1) "new"
        2) "-1"
        3) "a"
        4) "inf"
        > EXISTS none
        (integer) 1
        "#,
    );
}

/// In the order in which Redis finds what is wrong.
#[test]
fn zadd_refuses() {
    transcript(
        r#"
        > SET s v
        OK
        > ZADD z
        (error) ERR wrong number of arguments for 'zadd' command
        > ZADD z 1
        (error) ERR wrong number of arguments for 'zadd' command
        > ZADD z 1 a 2
        (error) ERR syntax error
        > ZADD z NX
        (error) ERR wrong number of arguments for 'zadd' command
        > ZADD z NX 1
        (error) ERR syntax error
        > ZADD z NX XX 1 a
        (error) ERR XX and NX options at the same time are not compatible
        > ZADD z NX XX GT 1 a
        (error) ERR XX and NX options at the same time are not compatible
        > ZADD z NX GT 1 a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z NX LT 1 a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z GT LT 1 a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z XX GT LT x a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z INCR 1 a 2 b
        (error) ERR INCR option supports a single increment-element pair
        > ZADD z INCR GT LT 1 a 2 b
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z x a
        (error) ERR value is not a valid float
        > ZADD z 1 a x b
        (error) ERR value is not a valid float
        > ZADD z nan a
        (error) ERR value is not a valid float
        > ZADD z "" a
        (error) ERR value is not a valid float
        > ZADD z " 1" a
        (error) ERR value is not a valid float
        > ZADD z 1e400 a
        (error) ERR value is not a valid float
        > ZADD z 1e-400 a
        (error) ERR value is not a valid float
        > ZADD s x a
        (error) ERR value is not a valid float
        > ZADD s 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD s XX 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD s GT LT 1 a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZINCRBY s 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZINCRBY s x a
        (error) ERR value is not a valid float
        > ZINCRBY z nx a
        (error) ERR syntax error
        > ZINCRBY z 1
        (error) ERR wrong number of arguments for 'zincrby' command
        > EXISTS z
        (integer) 0
        "#,
    );
}

#[test]
fn scores_are_printed_as_redis_prints_them() {
    transcript(
        r#"
        > ZADD z 3 int -0 negzero 0.1 tenth 1e20 big 5e18 half 4e18 whole inf inf -inf neginf 0x10 hex 1.7976931348623157e308 max 5e-324 min 3.0 three 123456789012345680 long 0.00001 small 17.000000000000004 digits
        (integer) 15
        > ZRANGE z 0 -1 WITHSCORES
         1) "neginf"
         2) "-inf"
         3) "negzero"
         4) "0"
         5) "min"
         6) "5e-324"
         7) "small"
         8) "0.00001"
         9) "tenth"
        10) "0.1"
        11) "int"
        12) "3"
        13) "three"
        14) "3"
        15) "hex"
        16) "16"
        17) "digits"
        18) "17.000000000000004"
        19) "long"
        20) "123456789012345680"
        21) "whole"
        22) "4000000000000000000"
        23) "half"
        24) "5e+18"
        25) "big"
        26) "1e+20"
        27) "max"
        28) "1.7976931348623157e+308"
        29) "inf"
        30) "inf"
        # flags --zset-max-listpack-entries 128
        > ZSCORE z negzero
        "0"
        > ZMSCORE z int none neginf tenth
        1) "3"
        2) (nil)
        3) "-inf"
        4) "0.1"
        > ZSCAN z 0
        1) "0"
        2)  1) "neginf"
            2) "-inf"
            3) "negzero"
            4) "0"
            5) "min"
            6) "5e-324"
            7) "small"
            8) "0.00001"
            9) "tenth"
           10) "0.1"
           11) "int"
           12) "3"
           13) "three"
           14) "3"
           15) "hex"
           16) "16"
           17) "digits"
           18) "17.000000000000004"
           19) "long"
           20) "123456789012345680"
           21) "whole"
           22) "4000000000000000000"
           23) "half"
           24) "5e+18"
           25) "big"
           26) "1e+20"
           27) "max"
           28) "1.7976931348623157e+308"
           29) "inf"
           30) "inf"
        > ZSCAN z 0 MATCH *i*
        1) "0"
        2)  1) "neginf"
            2) "-inf"
            3) "min"
            4) "5e-324"
            5) "int"
            6) "3"
            7) "digits"
            8) "17.000000000000004"
            9) "big"
           10) "1e+20"
           11) "inf"
           12) "inf"
        "#,
    );
}

#[test]
fn scores_are_printed_as_redis_prints_them_when_unpacked() {
    transcript(
        r#"
        # flags --zset-max-listpack-entries 0
        > ZADD z 3 int -0 negzero 0.1 tenth 1e20 big 5e18 half 4e18 whole inf inf -inf neginf 0x10 hex 1.7976931348623157e308 max 5e-324 min 0.00001 small 17.000000000000004 digits
        (integer) 13
        > OBJECT ENCODING z
        "skiplist"
        > ZRANGE z 0 -1 WITHSCORES
         1) "neginf"
         2) "-inf"
         3) "negzero"
         4) "-0"
         5) "min"
         6) "5e-324"
         7) "small"
         8) "0.00001"
         9) "tenth"
        10) "0.1"
        11) "int"
        12) "3"
        13) "hex"
        14) "16"
        15) "digits"
        16) "17.000000000000004"
        17) "whole"
        18) "4000000000000000000"
        19) "half"
        20) "5e+18"
        21) "big"
        22) "1e+20"
        23) "max"
        24) "1.7976931348623157e+308"
        25) "inf"
        26) "inf"
        > ZADD z 0 negzero
        (integer) 0
        > ZSCORE z negzero
        "-0"
        > ZADD z CH -0 negzero
        (integer) 0
        > ZINCRBY z 0 negzero
        "0"
        > ZSCAN z 0 MATCH tenth COUNT 100
        1) "0"
        2) 1) "tenth"
           2) "0.10000000000000001"
        > ZSCAN z 0 MATCH digits COUNT 100
        1) "0"
        2) 1) "digits"
           2) "17.000000000000004"
        > ZSCAN z 0 MATCH small COUNT 100
        1) "0"
        2) 1) "small"
           2) "1.0000000000000001e-05"
        "#,
    );
}

#[test]
fn members_of_one_score_are_in_the_order_of_their_bytes() {
    transcript(
        r#"
        > ZADD z 0 b 0 a 0 10 0 9 0 "" 0 "\xff" 0 "\x00" 0 aa 0 B 1 a0 -1 z
        (integer) 11
        > ZRANGE z 0 -1
         1) "z"
         2) ""
         3) "\x00"
         4) "10"
         5) "9"
         6) "B"
         7) "a"
         8) "aa"
         9) "b"
        10) "\xff"
        11) "a0"
        > ZREVRANGE z 0 2
        1) "a0"
        2) "\xff"
        3) "b"
        > ZRANK z aa
        (integer) 7
        > ZREVRANK z aa
        (integer) 3
        > ZRANK z a0 WITHSCORE
        1) (integer) 10
        2) "1"
        > ZREVRANK z a0 withscore
        1) (integer) 0
        2) "1"
        > ZRANK z none
        (nil)
        > ZRANK z none WITHSCORE
        (nil)
        > ZREVRANK none a WITHSCORE
        (nil)
        > ZRANK z a x
        (error) ERR syntax error
        > ZRANK z a WITHSCORE WITHSCORE
        (error) ERR wrong number of arguments for 'zrank' command
        > SET s v
        OK
        > ZRANK s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANK s a x
        (error) ERR syntax error
        "#,
    );
}

#[test]
fn zrange_goes_by_rank() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 3 c 4 d
        (integer) 4
        > ZRANGE z 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z 1 2 WITHSCORES
        1) "b"
        2) "2"
        3) "c"
        4) "3"
        > ZRANGE z -2 -1
        1) "c"
        2) "d"
        > ZRANGE z -100 100
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z 3 1
        (empty array)
        > ZRANGE z 4 10
        (empty array)
        > ZRANGE z 0 -100
        (empty array)
        > ZRANGE z 0 1 REV
        1) "d"
        2) "c"
        > ZRANGE z 0 1 REV WITHSCORES
        1) "d"
        2) "4"
        3) "c"
        4) "3"
        > ZRANGE z -9223372036854775808 9223372036854775807
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZREVRANGE z 0 -1 WITHSCORES
        1) "d"
        2) "4"
        3) "c"
        4) "3"
        5) "b"
        6) "2"
        7) "a"
        8) "1"
        > ZREVRANGE z 1 1
        1) "c"
        > ZRANGE none 0 -1
        (empty array)
        > ZRANGE none 0 -1 WITHSCORES
        (empty array)
        > ZRANGE z 0 -1 LIMIT 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z 0 -1 LIMIT 0 1
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZREVRANGE z 0 -1 LIMIT 0 1
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z 0 x
        (error) ERR value is not an integer or out of range
        > ZRANGE z 1.5 2
        (error) ERR value is not an integer or out of range
        > ZRANGE z 0 9223372036854775808
        (error) ERR value is not an integer or out of range
        > ZRANGE z 0 -1 REV REV
        (error) ERR syntax error
        > ZRANGE z 0 -1 x
        (error) ERR syntax error
        > ZREVRANGE z 0 -1 REV
        (error) ERR syntax error
        > ZREVRANGE z 0 -1 BYSCORE
        (error) ERR syntax error
        > SET s v
        OK
        > ZRANGE s 0 -1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANGE s x -1
        (error) ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn zrange_goes_by_score() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 2 c 3 d inf e -inf f
        (integer) 6
        > ZRANGE z 1 2 BYSCORE
        1) "a"
        2) "b"
        3) "c"
        > ZRANGE z (1 (3 BYSCORE WITHSCORES
        1) "b"
        2) "2"
        3) "c"
        4) "2"
        > ZRANGE z -inf +inf BYSCORE LIMIT 1 2
        1) "a"
        2) "b"
        > ZRANGE z (-inf (inf BYSCORE
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z 3 1 BYSCORE REV
        1) "d"
        2) "c"
        3) "b"
        4) "a"
        > ZRANGE z 3 1 BYSCORE REV LIMIT 1 2 WITHSCORES
        1) "c"
        2) "2"
        3) "b"
        4) "2"
        > ZRANGE z 3 1 BYSCORE
        (empty array)
        > ZRANGE z 2 2 BYSCORE
        1) "b"
        2) "c"
        > ZRANGE z (2 2 BYSCORE
        (empty array)
        > ZRANGEBYSCORE z "" 2
        1) "a"
        2) "b"
        3) "c"
        > ZRANGEBYSCORE z " 1" " 2"
        1) "a"
        2) "b"
        3) "c"
        > ZRANGEBYSCORE z 0x1 1e400
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        > ZRANGEBYSCORE z "1\x00x" 2
        1) "a"
        2) "b"
        3) "c"
        > ZRANGEBYSCORE z "(" 1
        1) "a"
        > ZRANGEBYSCORE z 1 2 WITHSCORES LIMIT 0 1
        1) "a"
        2) "1"
        > ZRANGEBYSCORE z 1 2 LIMIT 0 0
        (empty array)
        > ZRANGEBYSCORE z 1 2 LIMIT 1 -1
        1) "b"
        2) "c"
        > ZRANGEBYSCORE z 1 2 LIMIT 100 1
        (empty array)
        > ZRANGEBYSCORE z 1 2 LIMIT -1 1
        (empty array)
        > ZREVRANGEBYSCORE z 2 1
        1) "c"
        2) "b"
        3) "a"
        > ZREVRANGEBYSCORE z +inf -inf LIMIT 2 2
        1) "c"
        2) "b"
        > ZREVRANGEBYSCORE z 1 2
        (empty array)
        > ZCOUNT z 1 2
        (integer) 3
        > ZCOUNT z (1 +inf
        (integer) 4
        > ZCOUNT z 3 1
        (integer) 0
        > ZCOUNT none 1 2
        (integer) 0
        > ZRANGEBYSCORE z x 2
        (error) ERR min or max is not a float
        > ZRANGEBYSCORE z 1 nan
        (error) ERR min or max is not a float
        > ZRANGEBYSCORE z 1 ((2
        (error) ERR min or max is not a float
        > ZRANGEBYSCORE z 1 "2 "
        (error) ERR min or max is not a float
        > ZRANGEBYSCORE z 1 2 LIMIT 1
        (error) ERR syntax error
        > ZRANGEBYSCORE z 1 2 LIMIT x 1
        (error) ERR value is not an integer or out of range
        > ZRANGEBYSCORE z 1 2 BYSCORE
        (error) ERR syntax error
        > ZCOUNT z x 1
        (error) ERR min or max is not a float
        > SET s v
        OK
        > ZCOUNT s 1 2
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZCOUNT s x 2
        (error) ERR min or max is not a float
        > ZRANGEBYSCORE s x 2
        (error) ERR min or max is not a float
        "#,
    );
}

#[test]
fn zrange_goes_by_the_bytes_of_members() {
    transcript(
        r#"
        > ZADD z 0 a 0 b 0 c 0 d 0 ""
        (integer) 5
        > ZRANGE z - + BYLEX
        1) ""
        2) "a"
        3) "b"
        4) "c"
        5) "d"
        > ZRANGE z [b (d BYLEX
        1) "b"
        2) "c"
        > ZRANGE z (d [b BYLEX REV
        1) "c"
        2) "b"
        > ZRANGE z - + BYLEX LIMIT 1 2
        1) "a"
        2) "b"
        > ZRANGE z + - BYLEX REV LIMIT 1 2
        1) "c"
        2) "b"
        > ZRANGE z + - BYLEX
        (empty array)
        > ZRANGEBYLEX z [ (b
        1) ""
        2) "a"
        > ZRANGEBYLEX z ( [b
        1) "a"
        2) "b"
        > ZRANGEBYLEX z [b [b
        1) "b"
        > ZRANGEBYLEX z (b [b
        (empty array)
        > ZRANGEBYLEX z [b -
        (empty array)
        > ZRANGEBYLEX z + [b
        (empty array)
        > ZRANGEBYLEX z + +
        (empty array)
        > ZRANGEBYLEX z "-\x00x" "+\x00x"
        1) ""
        2) "a"
        3) "b"
        4) "c"
        5) "d"
        > ZREVRANGEBYLEX z + (a LIMIT 0 2
        1) "d"
        2) "c"
        > ZREVRANGEBYLEX z [c -
        1) "c"
        2) "b"
        3) "a"
        4) ""
        > ZLEXCOUNT z - +
        (integer) 5
        > ZLEXCOUNT z [b (d
        (integer) 2
        > ZLEXCOUNT none - +
        (integer) 0
        > ZRANGEBYLEX none - +
        (empty array)
        > ZRANGEBYLEX z b d
        (error) ERR min or max not valid string range item
        > ZRANGEBYLEX z "" +
        (error) ERR min or max not valid string range item
        > ZRANGEBYLEX z -x +
        (error) ERR min or max not valid string range item
        > ZRANGEBYLEX z - ++
        (error) ERR min or max not valid string range item
        > ZRANGE z - + BYLEX WITHSCORES
        (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZRANGEBYLEX z - + WITHSCORES
        (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZREVRANGEBYLEX z - + WITHSCORES
        (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZLEXCOUNT z a b
        (error) ERR min or max not valid string range item
        > SET s v
        OK
        > ZLEXCOUNT s - +
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZLEXCOUNT s a b
        (error) ERR min or max not valid string range item
        "#,
    );
}

#[test]
fn a_negative_offset_is_beyond_a_packed_set_and_from_the_end_of_another() {
    transcript(
        r#"
        # no-reload
        > ZADD z 0 a 0 b 0 c 0 d
        (integer) 4
        > ZRANGEBYLEX z - + LIMIT -1 2
        (empty array)
        > ZRANGEBYSCORE z 0 0 LIMIT -3 2
        (empty array)
        > CONFIG SET zset-max-listpack-entries 0
        OK
        > ZADD y 0 a 0 b 0 c 0 d
        (integer) 4
        > ZRANGEBYLEX y - + LIMIT -1 2
        1) "d"
        > ZREVRANGEBYLEX y + - LIMIT -1 2
        1) "a"
        > ZRANGEBYSCORE y 0 0 LIMIT -3 2
        1) "b"
        2) "c"
        > ZREVRANGEBYSCORE y 0 0 LIMIT -3 2
        1) "c"
        2) "b"
        > ZRANGEBYLEX y (a [c LIMIT -2 5
        1) "b"
        2) "c"
        > ZRANGEBYLEX y (a [c LIMIT -3 5
        (empty array)
        > ZRANGEBYLEX y - + LIMIT -9223372036854775808 2
        (empty array)
        > ZRANGEBYSCORE y 0 0 LIMIT 4 2
        (empty array)
        "#,
    );
}

#[test]
fn zrangestore_stores_what_zrange_gives() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 3 c 4 d
        (integer) 4
        > SET d v
        OK
        > EXPIRE d 1000
        (integer) 1
        > ZRANGESTORE d z 0 -1
        (integer) 4
        > TTL d
        (integer) -1
        > ZRANGE d 0 -1 WITHSCORES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        7) "d"
        8) "4"
        > ZRANGESTORE d z 1 1 REV
        (integer) 1
        > ZRANGE d 0 -1 WITHSCORES
        1) "c"
        2) "3"
        > ZRANGESTORE d z (1 3 BYSCORE
        (integer) 2
        > ZRANGESTORE d z 4 2 BYSCORE REV LIMIT 1 1
        (integer) 1
        > ZRANGE d 0 -1 WITHSCORES
        1) "c"
        2) "3"
        > ZRANGESTORE z z 2 -1
        (integer) 2
        > ZRANGE z 0 -1
        1) "c"
        2) "d"
        > ZRANGESTORE d z 5 6
        (integer) 0
        > EXISTS d
        (integer) 0
        > ZRANGESTORE d none 0 -1
        (integer) 0
        > ZADD l 0 a 0 b
        (integer) 2
        > ZRANGESTORE d l [a (b BYLEX
        (integer) 1
        > ZRANGE d 0 -1
        1) "a"
        > ZRANGESTORE d none 0 -1
        (integer) 0
        > EXISTS d
        (integer) 0
        > ZRANGESTORE d z 0 -1 WITHSCORES
        (error) ERR syntax error
        > ZRANGESTORE d z 0 -1 LIMIT 0 1
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGESTORE d z x -1
        (error) ERR value is not an integer or out of range
        > ZRANGESTORE d z x 1 BYSCORE
        (error) ERR min or max is not a float
        > ZRANGESTORE d z x y BYLEX
        (error) ERR min or max not valid string range item
        > SET s v
        OK
        > ZRANGESTORE d s 0 -1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANGESTORE s z 0 -1
        (integer) 2
        > TYPE s
        zset
        "#,
    );
}

#[test]
fn zrem_removes() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > ZREM z a none a
        (integer) 1
        > ZREM z none
        (integer) 0
        > ZREM none a
        (integer) 0
        > ZREM z b c d
        (integer) 2
        > EXISTS z
        (integer) 0
        > SET s v
        OK
        > ZREM s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g
        (integer) 7
        > ZREMRANGEBYRANK z 0 1
        (integer) 2
        > ZREMRANGEBYRANK z -1 -1
        (integer) 1
        > ZREMRANGEBYRANK z 5 1
        (integer) 0
        > ZREMRANGEBYSCORE z (3 4
        (integer) 1
        > ZREMRANGEBYSCORE z 100 200
        (integer) 0
        > ZRANGE z 0 -1
        1) "c"
        2) "e"
        3) "f"
        > ZREMRANGEBYRANK z 0 -1
        (integer) 3
        > EXISTS z
        (integer) 0
        > ZADD l 0 a 0 b 0 c 0 d
        (integer) 4
        > ZREMRANGEBYLEX l [b (d
        (integer) 2
        > ZRANGE l 0 -1
        1) "a"
        2) "d"
        > ZREMRANGEBYLEX l - +
        (integer) 2
        > EXISTS l
        (integer) 0
        > ZREMRANGEBYLEX none - +
        (integer) 0
        > ZREMRANGEBYRANK none 0 1
        (integer) 0
        > ZREMRANGEBYSCORE none 0 1
        (integer) 0
        > ZREMRANGEBYRANK none x 1
        (error) ERR value is not an integer or out of range
        > ZREMRANGEBYSCORE none x 1
        (error) ERR min or max is not a float
        > ZREMRANGEBYLEX none x 1
        (error) ERR min or max not valid string range item
        > ZREMRANGEBYRANK s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZREMRANGEBYSCORE s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZREMRANGEBYLEX s - +
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn zpop_takes_from_either_end() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 3 c 4 d 5 e
        (integer) 5
        > ZPOPMIN z
        1) "a"
        2) "1"
        > ZPOPMAX z
        1) "e"
        2) "5"
        > ZPOPMIN z 2
        1) "b"
        2) "2"
        3) "c"
        4) "3"
        > ZPOPMAX z 0
        (empty array)
        > ZPOPMAX z 100
        1) "d"
        2) "4"
        > EXISTS z
        (integer) 0
        > ZPOPMIN z
        (empty array)
        > ZPOPMIN z 5
        (empty array)
        > ZPOPMIN z -1
        (error) ERR value is out of range, must be positive
        > ZPOPMIN z x
        (error) ERR value is out of range, must be positive
        > ZPOPMIN z 1 2
        (error) ERR syntax error
        > SET s v
        OK
        > ZPOPMIN s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZPOPMIN s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZPOPMIN s -1
        (error) ERR value is out of range, must be positive
        "#,
    );
}

#[test]
fn zmpop_takes_from_the_first_that_is_there() {
    transcript(
        r#"
        > ZADD y 1 a 2 b
        (integer) 2
        > ZADD z 3 c 4 d
        (integer) 2
        > SET s v
        OK
        > ZMPOP 3 none y z MIN
        1) "y"
        2) 1) 1) "a"
              2) "1"
        > ZMPOP 3 none y z MAX COUNT 10
        1) "y"
        2) 1) 1) "b"
              2) "2"
        > ZMPOP 3 none y z min count 1
        1) "z"
        2) 1) 1) "c"
              2) "3"
        > EXISTS y z
        (integer) 1
        > ZMPOP 2 none y MIN
        (nil)
        > ZMPOP 2 none s MIN
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZMPOP 2 z s MAX
        1) "z"
        2) 1) 1) "d"
              2) "4"
        > ZMPOP 1 s MIN
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZMPOP 0 z MIN
        (error) ERR numkeys should be greater than 0
        > ZMPOP -1 z MIN
        (error) ERR numkeys should be greater than 0
        > ZMPOP x z MIN
        (error) ERR numkeys should be greater than 0
        > ZMPOP 1 z
        (error) ERR wrong number of arguments for 'zmpop' command
        > ZMPOP 2 z MIN
        (error) ERR syntax error
        > ZMPOP 9223372036854775807 z MIN
        (error) ERR syntax error
        > ZMPOP 1 z x
        (error) ERR syntax error
        > ZMPOP 1 z MIN COUNT
        (error) ERR syntax error
        > ZMPOP 1 z MIN COUNT 0
        (error) ERR count should be greater than 0
        > ZMPOP 1 z MIN COUNT -1
        (error) ERR count should be greater than 0
        > ZMPOP 1 z MIN COUNT x
        (error) ERR count should be greater than 0
        > ZMPOP 1 z MIN COUNT 1 COUNT 1
        (error) ERR syntax error
        > ZMPOP 1 z MIN x
        (error) ERR syntax error
        "#,
    );
}

/// What they do when nothing is there: see `blocking`.
#[test]
fn blocking_pops_take_what_is_there() {
    transcript(
        r#"
        > ZADD y 1 a 2 b 3 c
        (integer) 3
        > ZADD z 3 c 4 d
        (integer) 2
        > BZPOPMIN none y z 0
        1) "y"
        2) "a"
        3) "1"
        > BZPOPMAX none y z 0
        1) "y"
        2) "c"
        3) "3"
        > BZMPOP 0 2 none y MIN
        1) "y"
        2) 1) 1) "b"
              2) "2"
        > BZMPOP 0 2 y z MAX COUNT 5
        1) "z"
        2) 1) 1) "d"
              2) "4"
           2) 1) "c"
              2) "3"
        > EXISTS y z
        (integer) 0
        > BZPOPMIN none 0.01
        (nil)
        > BZMPOP 0.01 1 none MIN
        (nil)
        > BZPOPMIN none x
        (error) ERR timeout is not a float or out of range
        > BZPOPMIN none -1
        (error) ERR timeout is negative
        > BZPOPMIN none nan
        (error) ERR timeout is not a float or out of range
        > BZPOPMIN none 1e300
        (error) ERR timeout is out of range
        > SET s v
        OK
        > BZPOPMIN none s y 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BZPOPMIN s x
        (error) ERR timeout is not a float or out of range
        > BZMPOP x 1 none MIN
        (error) ERR timeout is not a float or out of range
        > BZMPOP -1 1 none MIN
        (error) ERR timeout is negative
        > BZMPOP x 0 none MIN
        (error) ERR numkeys should be greater than 0
        > BZMPOP 0 1 none x
        (error) ERR syntax error
        > BZMPOP 0 1 none MIN COUNT 0
        (error) ERR count should be greater than 0
        "#,
    );
}

#[test]
fn unions_add_scores_up() {
    transcript(
        r#"
        > ZADD a 1 x 2 y
        (integer) 2
        > ZADD b 10 y 20 z
        (integer) 2
        > ZUNION 2 a b
        1) "x"
        2) "y"
        3) "z"
        > ZUNION 2 a b WITHSCORES
        1) "x"
        2) "1"
        3) "y"
        4) "12"
        5) "z"
        6) "20"
        > ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES
        1) "x"
        2) "2"
        3) "y"
        4) "9"
        5) "z"
        6) "10"
        > ZUNION 2 a b AGGREGATE MIN WITHSCORES
        1) "x"
        2) "1"
        3) "y"
        4) "2"
        5) "z"
        6) "20"
        > ZUNION 2 a b aggregate max withscores
        1) "x"
        2) "1"
        3) "y"
        4) "10"
        5) "z"
        6) "20"
        > ZUNION 2 a b WEIGHTS -1 1 AGGREGATE MAX WITHSCORES
        1) "x"
        2) "-1"
        3) "y"
        4) "10"
        5) "z"
        6) "20"
        > ZUNION 2 a a WITHSCORES
        1) "x"
        2) "2"
        3) "y"
        4) "4"
        > ZUNION 2 a none
        1) "x"
        2) "y"
        > ZUNION 1 none WITHSCORES
        (empty array)
        > ZUNIONSTORE d 2 a b WEIGHTS 1 -1
        (integer) 3
        > ZRANGE d 0 -1 WITHSCORES
        1) "z"
        2) "-20"
        3) "y"
        4) "-8"
        5) "x"
        6) "1"
        > ZUNIONSTORE a 2 a b
        (integer) 3
        > ZRANGE a 0 -1 WITHSCORES
        1) "x"
        2) "1"
        3) "y"
        4) "12"
        5) "z"
        6) "20"
        > ZUNIONSTORE d 1 none
        (integer) 0
        > EXISTS d
        (integer) 0
        > ZUNION 2 a b WITHSCORES WITHSCORES
        1) "x"
        2) "1"
        3) "y"
        4) "22"
        5) "z"
        6) "40"
        "#,
    );
}

#[test]
fn intersections_and_differences() {
    transcript(
        r#"
        > ZADD a 1 x 2 y 3 w
        (integer) 3
        > ZADD b 10 y 20 z 30 x
        (integer) 3
        > ZINTER 2 a b WITHSCORES
        1) "y"
        2) "12"
        3) "x"
        4) "31"
        > ZINTER 2 a b WEIGHTS 2 3 AGGREGATE MAX WITHSCORES
        1) "y"
        2) "30"
        3) "x"
        4) "90"
        > ZINTER 2 a none
        (empty array)
        > ZINTER 2 a a WITHSCORES
        1) "x"
        2) "2"
        3) "y"
        4) "4"
        5) "w"
        6) "6"
        > ZINTERSTORE d 2 a b AGGREGATE MIN
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "x"
        2) "1"
        3) "y"
        4) "2"
        > ZINTERSTORE d 2 a none
        (integer) 0
        > EXISTS d
        (integer) 0
        > ZINTERCARD 2 a b
        (integer) 2
        > ZINTERCARD 2 a b LIMIT 1
        (integer) 1
        > ZINTERCARD 2 a b LIMIT 0
        (integer) 2
        > ZINTERCARD 2 a none LIMIT 5
        (integer) 0
        > ZINTERCARD 1 a LIMIT 1 LIMIT 5
        (integer) 3
        > ZDIFF 2 a b
        1) "w"
        > ZDIFF 2 a b WITHSCORES
        1) "w"
        2) "3"
        > ZDIFF 1 a
        1) "x"
        2) "y"
        3) "w"
        > ZDIFF 2 a a
        (empty array)
        > ZDIFF 2 none a
        (empty array)
        > ZDIFFSTORE d 2 a b
        (integer) 1
        > ZRANGE d 0 -1 WITHSCORES
        1) "w"
        2) "3"
        > ZDIFFSTORE a 2 a a
        (integer) 0
        > EXISTS a
        (integer) 0
        "#,
    );
}

#[test]
fn aggregates_know_infinities() {
    transcript(
        r#"
        > ZADD a inf x -inf y 0 z inf w
        (integer) 4
        > ZADD b -inf x -inf y -0 z 1 w
        (integer) 4
        > ZUNION 2 a b WITHSCORES
        1) "y"
        2) "-inf"
        3) "x"
        4) "0"
        5) "z"
        6) "0"
        7) "w"
        8) "inf"
        > ZINTER 2 a b WITHSCORES
        1) "y"
        2) "-inf"
        3) "x"
        4) "0"
        5) "z"
        6) "0"
        7) "w"
        8) "inf"
        > ZUNION 2 a b WEIGHTS 0 1 WITHSCORES
        1) "x"
        2) "-inf"
        3) "y"
        4) "-inf"
        5) "z"
        6) "0"
        7) "w"
        8) "1"
        > ZUNION 1 a WEIGHTS 0 WITHSCORES
        1) "w"
        2) "0"
        3) "x"
        4) "0"
        5) "y"
        6) "0"
        7) "z"
        8) "0"
        > ZUNION 1 a WEIGHTS -1 WITHSCORES
        1) "w"
        2) "-inf"
        3) "x"
        4) "-inf"
        5) "z"
        6) "-0"
        7) "y"
        8) "inf"
        > ZINTER 2 a b WEIGHTS 0 0 WITHSCORES
        1) "w"
        2) "0"
        3) "x"
        4) "0"
        5) "y"
        6) "0"
        7) "z"
        8) "0"
        > ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MIN WITHSCORES
        1) "y"
        2) "-inf"
        3) "w"
        4) "0"
        5) "z"
        6) "0"
        7) "x"
        8) "inf"
        > ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MAX WITHSCORES
        1) "y"
        2) "-inf"
        3) "z"
        4) "0"
        5) "w"
        6) "inf"
        7) "x"
        8) "inf"
        > ZUNION 2 a b WEIGHTS inf -inf WITHSCORES
        1) "w"
        2) "0"
        3) "y"
        4) "0"
        5) "z"
        6) "0"
        7) "x"
        8) "inf"
        > ZUNIONSTORE d 2 a b WEIGHTS -inf inf AGGREGATE MIN
        (integer) 4
        > ZRANGE d 0 -1 WITHSCORES
        1) "w"
        2) "-inf"
        3) "x"
        4) "-inf"
        5) "y"
        6) "-inf"
        7) "z"
        8) "0"
        "#,
    );
}

/// Types are looked at before options are.
#[test]
fn merges_refuse() {
    transcript(
        r#"
        > SET str v
        OK
        > ZADD a 1 x
        (integer) 1
        > ZUNION 0 a
        (error) ERR at least 1 input key is needed for 'zunion' command
        > ZUNIONSTORE d 0 a
        (error) ERR at least 1 input key is needed for 'zunionstore' command
        > ZINTERCARD -1 a
        (error) ERR at least 1 input key is needed for 'zintercard' command
        > ZDIFF 0 a
        (error) ERR at least 1 input key is needed for 'zdiff' command
        > ZUNION x a
        (error) ERR value is not an integer or out of range
        > ZUNION 2 a
        (error) ERR syntax error
        > ZUNION 9223372036854775807 a
        (error) ERR syntax error
        > ZUNION 1 str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 1 str x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 2 a str WEIGHTS x y
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 1 a x
        (error) ERR syntax error
        > ZUNION 1 a WEIGHTS
        (error) ERR syntax error
        > ZUNION 1 a WEIGHTS 1 2
        (error) ERR syntax error
        > ZUNION 1 a WEIGHTS x
        (error) ERR weight value is not a float
        > ZUNION 1 a WEIGHTS nan
        (error) ERR weight value is not a float
        > ZUNION 1 a AGGREGATE
        (error) ERR syntax error
        > ZUNION 1 a AGGREGATE avg
        (error) ERR syntax error
        > ZUNIONSTORE d 1 a WITHSCORES
        (error) ERR syntax error
        > ZINTERSTORE d 1 a WITHSCORES
        (error) ERR syntax error
        > ZDIFF 1 a WEIGHTS 1
        (error) ERR syntax error
        > ZDIFF 1 a AGGREGATE SUM
        (error) ERR syntax error
        > ZDIFFSTORE d 1 a WITHSCORES
        (error) ERR syntax error
        > ZINTERCARD 1 a WITHSCORES
        (error) ERR syntax error
        > ZINTERCARD 1 a WEIGHTS 1
        (error) ERR syntax error
        > ZINTERCARD 1 a LIMIT
        (error) ERR syntax error
        > ZINTERCARD 1 a LIMIT -1
        (error) ERR LIMIT can't be negative
        > ZINTERCARD 1 a LIMIT x
        (error) ERR LIMIT can't be negative
        > ZUNION 1 a LIMIT 1
        (error) ERR syntax error
        > ZUNION 1
        (error) ERR wrong number of arguments for 'zunion' command
        > EXISTS d
        (integer) 0
        "#,
    );
}

#[test]
fn zrandmember_gives_members() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        sorted> ZRANDMEMBER z 3
        1) "a"
        2) "b"
        3) "c"
        sorted> ZRANDMEMBER z 100
        1) "a"
        2) "b"
        3) "c"
        > ZRANDMEMBER z 0
        (empty array)
        > ZRANDMEMBER z 0 WITHSCORES
        (empty array)
        > ZRANDMEMBER none
        (nil)
        > ZRANDMEMBER none 1
        (empty array)
        > ZRANDMEMBER none -1 WITHSCORES
        (empty array)
        > ZADD one 1.5 a
        (integer) 1
        > ZRANDMEMBER one
        "a"
        > ZRANDMEMBER one 5
        1) "a"
        > ZRANDMEMBER one -3
        1) "a"
        2) "a"
        3) "a"
        > ZRANDMEMBER one 5 WITHSCORES
        1) "a"
        2) "1.5"
        > ZRANDMEMBER one -2 WITHSCORES
        1) "a"
        2) "1.5"
        3) "a"
        4) "1.5"
        > ZRANDMEMBER z x
        (error) ERR value is not an integer or out of range
        > ZRANDMEMBER z 1 x
        (error) ERR syntax error
        > ZRANDMEMBER z 1 WITHSCORES x
        (error) ERR syntax error
        > ZRANDMEMBER z x WITHSCORES
        (error) ERR value is not an integer or out of range
        > ZRANDMEMBER z -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > ZRANDMEMBER z 4611686018427387904 WITHSCORES
        (error) ERR value is out of range
        > ZRANDMEMBER z -4611686018427387904 WITHSCORES
        (error) ERR value is out of range
        > SET s v
        OK
        > ZRANDMEMBER s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANDMEMBER s 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANDMEMBER s x
        (error) ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn zscan_goes_over_members() {
    transcript(
        r#"
        > ZADD z 1 a 2 b 3 ab
        (integer) 3
        > ZSCAN z 0
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "3"
        > ZSCAN z 0 MATCH a*
        1) "0"
        2) 1) "a"
           2) "1"
           3) "ab"
           4) "3"
        > ZSCAN z 0 COUNT 1
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "3"
        > ZSCAN z 7
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "3"
        > ZSCAN none 0
        1) "0"
        2) (empty array)
        > ZSCAN none 0 COUNT 0
        1) "0"
        2) (empty array)
        > ZSCAN none x
        (error) ERR invalid cursor
        > ZSCAN z x
        (error) ERR invalid cursor
        > ZSCAN z 0 COUNT 0
        (error) ERR syntax error
        > ZSCAN z 0 COUNT x
        (error) ERR value is not an integer or out of range
        > ZSCAN z 0 MATCH
        (error) ERR syntax error
        > ZSCAN z 0 TYPE zset
        (error) ERR syntax error
        > ZSCAN z 0 NOVALUES
        (error) ERR NOVALUES option can only be used in HSCAN
        > SET s v
        OK
        > ZSCAN s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZSCAN s x
        (error) ERR invalid cursor
        > ZSCAN s 0 COUNT 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn a_set_is_unpacked_where_redis_does() {
    transcript(
        r#"
        # no-reload
        # flags --zset-max-listpack-entries 3 --zset-max-listpack-value 5
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > OBJECT ENCODING z
        "listpack"
        > ZADD z 4 d
        (integer) 1
        > OBJECT ENCODING z
        "skiplist"
        > ZREM z a b c
        (integer) 3
        > OBJECT ENCODING z
        "skiplist"
        > ZADD y 1 abcde
        (integer) 1
        > OBJECT ENCODING y
        "listpack"
        > ZADD y 1 abcdef
        (integer) 1
        > OBJECT ENCODING y
        "skiplist"
        > ZADD many 1 a 1 a 1 a 1 a
        (integer) 1
        > OBJECT ENCODING many
        "skiplist"
        > ZADD x 1 a
        (integer) 1
        > ZADD x NX 1 a 1 a 1 a 1 a
        (integer) 0
        > OBJECT ENCODING x
        "skiplist"
        > ZADD long 1 abcdef 2 a
        (integer) 2
        > OBJECT ENCODING long
        "skiplist"
        > ZADD later 1 a 2 abcdef
        (integer) 2
        > OBJECT ENCODING later
        "skiplist"
        > ZRANGESTORE d z 0 -1
        (integer) 1
        > OBJECT ENCODING d
        "listpack"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > ZRANGESTORE d z 0 -1
        (integer) 4
        > OBJECT ENCODING d
        "skiplist"
        > ZUNIONSTORE d 1 z
        (integer) 4
        > OBJECT ENCODING d
        "skiplist"
        > ZUNIONSTORE d 1 later
        (integer) 2
        > OBJECT ENCODING d
        "skiplist"
        > ZINTERSTORE d 2 z x
        (integer) 1
        > OBJECT ENCODING d
        "listpack"
        > ZDIFFSTORE d 2 z x
        (integer) 3
        > OBJECT ENCODING d
        "listpack"
        > ZDIFFSTORE d 2 later x
        (integer) 1
        > OBJECT ENCODING d
        "skiplist"
        > COPY z copy
        (integer) 1
        > OBJECT ENCODING copy
        "skiplist"
        > ZINCRBY inc 1 abcdef
        "1"
        > OBJECT ENCODING inc
        "skiplist"
        "#,
    );
}

#[test]
fn sorted_sets_have_the_digest_of_redis() {
    transcript(
        r#"
        # no-reload
        # flags --enable-debug-command yes
        > ZADD z 1 a 2.5 b inf c 4000000000000000000 d -0 e 1e7 f 123456789 g 0.1 10
        (integer) 8
        > DEBUG DIGEST-VALUE z
        1) a9c33a219aaed4384f3b42867bbb10ec33ae18b2
        > DEBUG DIGEST
        2b5752dee9f68d38a3e0260ed6d1dfb8fc50f8e5
        > CONFIG SET zset-max-listpack-entries 0
        OK
        > ZADD y 1 a 2.5 b inf c 4000000000000000000 d -0 e 1e7 f 123456789 g 0.1 10
        (integer) 8
        > DEBUG DIGEST-VALUE y z none
        1) 3a97930fa45143ae3a108d6324884e8a628f5452
        2) a9c33a219aaed4384f3b42867bbb10ec33ae18b2
        3) 0000000000000000000000000000000000000000
        > DEBUG DIGEST
        d06bdacdc87813a2ece53f5fc72778bb4a3fe13f
        "#,
    );
}

#[test]
fn sets_are_merged_as_members_of_score_one() {
    transcript(
        r#"
        > ZADD a 1 x 2 y 3 w
        (integer) 3
        > SADD s x z
        (integer) 2
        > SADD i 1 2 3
        (integer) 3
        > ZADD n 5 2 6 4
        (integer) 2
        > ZUNION 2 a s WITHSCORES
        1) "z"
        2) "1"
        3) "x"
        4) "2"
        5) "y"
        6) "2"
        7) "w"
        8) "3"
        > ZUNION 2 s a WEIGHTS 10 1 WITHSCORES
        1) "y"
        2) "2"
        3) "w"
        4) "3"
        5) "z"
        6) "10"
        7) "x"
        8) "11"
        > ZUNION 1 i WEIGHTS -2 WITHSCORES
        1) "1"
        2) "-2"
        3) "2"
        4) "-2"
        5) "3"
        6) "-2"
        > ZINTER 2 a s WITHSCORES
        1) "x"
        2) "2"
        > ZINTER 2 n i WITHSCORES
        1) "2"
        2) "6"
        > ZINTER 2 i n WEIGHTS 2 3 AGGREGATE MIN WITHSCORES
        1) "2"
        2) "2"
        > ZINTERCARD 2 i n
        (integer) 1
        > ZINTERCARD 1 s LIMIT 1
        (integer) 1
        > ZDIFF 2 s a WITHSCORES
        1) "z"
        2) "1"
        > ZDIFF 2 i n WITHSCORES
        1) "1"
        2) "1"
        3) "3"
        4) "1"
        > ZDIFFSTORE d 2 a s
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "y"
        2) "2"
        3) "w"
        4) "3"
        > ZUNIONSTORE s 1 s
        (integer) 2
        > TYPE s
        zset
        > ZRANGE s 0 -1 WITHSCORES
        1) "x"
        2) "1"
        3) "z"
        4) "1"
        > ZRANGE i 0 -1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD i 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}
