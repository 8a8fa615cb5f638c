//! Places on earth: replies, errors, and what is stored, logged and counted.

use crate::support::logged::logged_alike;
use crate::support::{assert_counted_alike, transcript};

#[test]
fn places_are_logged_as_scores() {
    logged_alike(
        &[
            "geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
            "GEOADD g 13.361389 38.115556 Palermo",
            "GEOADD g nx CH 1 1 Palermo 2 2 New",
            "GEOADD g XX CH 3 3 Palermo",
            "GEOADD g XX 3 3 none",
            "GEOADD g 180 85.05112878 corner",
            "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST",
            "GEORADIUS g 15 37 200 km STORE e",
            "GEORADIUSBYMEMBER g Catania 200 km STOREDIST e",
            "GEORADIUS g 15 37 200 km",
            "GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 200 km",
            "GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 200 km",
        ],
        &[],
    );
}

#[test]
fn changes_and_lookups_are_counted_as_by_redis() {
    let lines = [
        "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
        "GEOADD g 13.361389 38.115556 Palermo",
        "GEOADD g CH 1 1 Palermo 2 2 New",
        "GEOPOS g Palermo none",
        "GEOPOS none a",
        "GEODIST g Palermo Catania",
        "GEOHASH g Palermo",
        "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 2000 km",
        "GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km",
        "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 20000 km",
        "GEORADIUS g 15 37 20000 km STORE d",
        "GEORADIUS g 15 37 1 m STORE d",
        "GEORADIUS g 15 37 1 m STORE d",
        "GEORADIUSBYMEMBER none a 1 m STORE g",
    ];
    assert_counted_alike(&lines);
}

#[test]
fn geoadd_puts_places() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEOADD g 13.361389 38.115556 Palermo 15.1 37.5 Catania
        (integer) 0
        > GEOADD g CH 13.361389 38.115556 Palermo 15.2 37.5 Catania 0 0 Null
        (integer) 2
        > GEOADD g NX 1 1 Palermo 2 2 New
        (integer) 1
        > GEOADD g XX CH 3 3 Palermo 4 4 None
        (integer) 1
        > ZRANGE g 0 -1 WITHSCORES
        1) "Null"
        2) "3377699720527872"
        3) "New"
        4) "3378191666521995"
        5) "Palermo"
        6) "3379368329318596"
        7) "Catania"
        8) "3479453132202486"
        > GEOADD none XX 1 1 a
        (integer) 0
        > EXISTS none
        (integer) 0
        > GEOADD g 180 85.05112878 a -180 -85.05112878 b
        (integer) 2
        > GEOPOS g a b
        1) 1) "180"
           2) "85.0511287799999991"
        2) 1) "-179.99999731779098511"
           2) "-85.05112751263942528"
        > GEOADD g 180.0001 0 a
        (error) ERR invalid longitude,latitude pair 180.000100,0.000000
        > GEOADD g 0 -85.06 a
        (error) ERR invalid longitude,latitude pair 0.000000,-85.060000
        > GEOADD g 1 1 a inf 0 b
        (error) ERR invalid longitude,latitude pair inf,0.000000
        > GEOADD g 1e300 0 a
        (error) ERR invalid longitude,latitude pair 1000000000000000052504760255204420248704468581108159154915854115511802457988908195786371375080447864043704443832883878176942523235360430575644792184786706982848387200926575803737830233794788090059368953234970799945081119038967640880074652742780142494579258788820056842838115669472196386865459400540160.000000,0.000000
        > GEOADD g x 0 a
        (error) ERR value is not a valid float
        > GEOADD g 0 nan a
        (error) ERR value is not a valid float
        > GEOADD g NX XX 1 1 a
        (error) ERR syntax error
        > GEOADD g 1 1
        (error) ERR wrong number of arguments for 'geoadd' command
        > GEOADD g 1 1 a 2
        (error) ERR syntax error
        > GEOADD g NX 1 1
        (error) ERR syntax error
        > GEOADD g NX CH
        (error) ERR wrong number of arguments for 'geoadd' command
        > GEOADD g NX XX CH
        (error) ERR syntax error
        > GEOADD g GT 1 1 a
        (error) ERR syntax error
        > SET s v
        OK
        > GEOADD s 1 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD s x 1 a
        (error) ERR value is not a valid float
        > OBJECT ENCODING g
        "listpack"
        > TYPE g
        zset
        "#,
    );
}

#[test]
fn places_are_read_back() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEOPOS g Palermo Catania none
        1) 1) "13.36138933897018433"
           2) "38.11555639549629859"
        2) 1) "15.08726745843887329"
           2) "37.50266842333162032"
        3) (nil)
        > GEOPOS g
        (empty array)
        > GEOPOS none a b
        1) (nil)
        2) (nil)
        > GEOHASH g Palermo none Catania
        1) "sqc8b49rny0"
        2) (nil)
        3) "sqdtr74hyu0"
        > GEOHASH g
        (empty array)
        > GEOHASH none a
        1) (nil)
        > GEODIST g Palermo Catania
        "166274.1516"
        > GEODIST g Palermo Catania km
        "166.2742"
        > GEODIST g Palermo Catania MI
        "103.3182"
        > GEODIST g Palermo Catania ft
        "545518.8700"
        > GEODIST g Palermo Palermo
        "0.0000"
        > GEODIST g Palermo none
        (nil)
        > GEODIST none a b
        (nil)
        > GEODIST g Palermo Catania yd
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEODIST none a b yd
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEODIST g Palermo Catania km x
        (error) ERR syntax error
        > ZADD g 0 zero 1.5 frac -1 neg inf inf 1e19 big 4503599627370495 last 9007199254740993 beyond -1e300 less
        (integer) 8
        > GEOPOS g zero frac neg inf big last beyond less
        1) 1) "-179.99999731779098511"
           2) "-85.05112751263942528"
        2) 1) "-179.99999731779098511"
           2) "-85.05112497791824921"
        3) 1) "180"
           2) "85.0511287799999991"
        4) 1) "-179.99999731779098511"
           2) "-85.05112751263942528"
        5) 1) "180"
           2) "85.0511287799999991"
        6) 1) "179.99999731779098511"
           2) "85.05112751263942528"
        7) 1) "180"
           2) "-85.05112751263942528"
        8) 1) "180"
           2) "-85.05112751263942528"
        > GEOHASH g zero frac neg inf big last beyond less
        1) "00bh0hbj200"
        2) "00bh0hbj210"
        3) "bp05b5048p0"
        4) "00bh0hbj200"
        5) "bp05b5048p0"
        6) "zzpgzgpfxz0"
        7) "00bh0hbj200"
        8) "00bh0hbj200"
        > GEODIST g zero last
        "18919844.4481"
        > GEODIST g neg inf
        "18919844.5891"
        > SET s v
        OK
        > GEOPOS s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOHASH s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEODIST s a b
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEODIST s a b yd
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        "#,
    );
}

#[test]
fn geosearch_finds_what_is_near() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2
        (integer) 4
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km
        1) "Palermo"
        2) "Catania"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC
        1) "Catania"
        2) "Palermo"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC WITHDIST
        1) 1) "Palermo"
           2) "190.4424"
        2) 1) "Catania"
           2) "56.4413"
        > GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH
        1) 1) "Catania"
           2) "56.4413"
           3) (integer) 3479447370796909
           4) 1) "15.08726745843887329"
              2) "37.50266842333162032"
        2) 1) "Palermo"
           2) "190.4424"
           3) (integer) 3479099956230698
           4) 1) "13.36138933897018433"
              2) "38.11555639549629859"
        3) 1) "edge2"
           2) "279.7403"
           3) (integer) 3481342659049484
           4) 1) "17.24151045083999634"
              2) "38.78813451624225195"
        4) 1) "edge1"
           2) "279.7405"
           3) (integer) 3479273021651468
           4) 1) "12.7584877610206604"
              2) "38.78813451624225195"
        > GEOSEARCH g FROMMEMBER Palermo BYRADIUS 100 mi ASC WITHDIST
        1) 1) "Palermo"
           2) "0.0000"
        2) 1) "edge1"
           2) "56.7939"
        > GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m WITHDIST
        1) 1) "Palermo"
           2) "0.0000"
        > GEOSEARCH g FROMMEMBER Palermo BYBOX 0 0 ft WITHDIST
        1) 1) "Palermo"
           2) "0.0000"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1000 km COUNT 2
        1) "Catania"
        2) "Palermo"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1000 km COUNT 2 DESC
        1) "edge1"
        2) "edge2"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1000 km COUNT 2 ANY
        1) "Palermo"
        2) "edge1"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1000 km ANY COUNT 1 ASC
        1) "Palermo"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100000 km ASC WITHHASH
        1) 1) "Catania"
           2) (integer) 3479447370796909
        2) 1) "Palermo"
           2) (integer) 3479099956230698
        3) 1) "edge2"
           2) (integer) 3481342659049484
        4) 1) "edge1"
           2) (integer) 3479273021651468
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 m
        (empty array)
        > GEOSEARCH g FROMLONLAT 15 37 FROMLONLAT 13 38 BYRADIUS 100 km
        1) "Palermo"
        2) "edge1"
        > GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 m BYRADIUS 200 km
        1) "Palermo"
        2) "Catania"
        > GEOSEARCH g FROMLONLAT 179.9 0 BYRADIUS 20000 km ASC
        1) "edge2"
        2) "edge1"
        3) "Palermo"
        4) "Catania"
        > GEOSEARCH g FROMLONLAT 0 85 BYBOX 10000 9000 km ASC
        (empty array)
        > GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km
        (empty array)
        > GEOSEARCH none FROMMEMBER a BYRADIUS 200 km
        (empty array)
        "#,
    );
}

#[test]
fn geosearch_refuses() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 a
        (integer) 1
        > GEOSEARCH g FROMLONLAT 15 37
        (error) ERR wrong number of arguments for 'geosearch' command
        > GEOSEARCH g FROMLONLAT 15 37 ASC DESC
        (error) ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
        > GEOSEARCH g BYRADIUS 200 km ASC DESC
        (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        > geoSearch g BYRADIUS 200 km ASC DESC
        (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geoSearch
        > GEOSEARCH g FROMMEMBER a ASC DESC ASC
        (error) ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
        > GEOSEARCH g FROMMEMBER a FROMLONLAT 1 1 BYRADIUS 1 m
        (error) ERR syntax error
        > GEOSEARCH g FROMLONLAT 1 1 FROMMEMBER a BYRADIUS 1 m
        (error) ERR syntax error
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m BYBOX 1 1 m
        (error) ERR syntax error
        > GEOSEARCH g FROMMEMBER a BYBOX 1 1 m BYRADIUS 1 m
        (error) ERR syntax error
        > GEOSEARCH g FROMMEMBER none BYRADIUS 1 m
        (error) ERR could not decode requested zset member
        > GEOSEARCH none FROMMEMBER none BYRADIUS 1 m COUNT 0
        (error) ERR COUNT must be > 0
        > GEOSEARCH g FROMMEMBER a BYRADIUS x m
        (error) ERR need numeric radius
        > GEOSEARCH g FROMMEMBER a BYRADIUS -1 m
        (error) ERR radius cannot be negative
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 yd
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1
        (error) ERR wrong number of arguments for 'geosearch' command
        > GEOSEARCH g FROMMEMBER a BYBOX x 1 m
        (error) ERR need numeric width
        > GEOSEARCH g FROMMEMBER a BYBOX 1 x m
        (error) ERR need numeric height
        > GEOSEARCH g FROMMEMBER a BYBOX -1 1 m
        (error) ERR height or width cannot be negative
        > GEOSEARCH g FROMMEMBER a BYBOX 1 -1 m
        (error) ERR height or width cannot be negative
        > GEOSEARCH g FROMMEMBER a BYBOX 1 1 yd
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOSEARCH g FROMLONLAT x 1 BYRADIUS 1 m
        (error) ERR value is not a valid float
        > GEOSEARCH g FROMLONLAT 181 1 BYRADIUS 1 m
        (error) ERR invalid longitude,latitude pair 181.000000,1.000000
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m COUNT 0
        (error) ERR COUNT must be > 0
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m COUNT -1
        (error) ERR COUNT must be > 0
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m COUNT x
        (error) ERR value is not an integer or out of range
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m COUNT
        (error) ERR syntax error
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m ANY
        (error) ERR the ANY argument requires COUNT argument
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m STORE d
        (error) ERR syntax error
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m STOREDIST
        (error) ERR syntax error
        > GEOSEARCH g FROMMEMBER a BYRADIUS 1 m x
        (error) ERR syntax error
        > SET s v
        OK
        > GEOSEARCH s FROMMEMBER a BYRADIUS 1 m x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOSEARCH s x y z u v
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOSEARCH g FROMMEMBER
        (error) ERR wrong number of arguments for 'geosearch' command
        "#,
    );
}

#[test]
fn geosearchstore_stores() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > SET d v
        OK
        > GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Palermo"
        2) "3479099956230698"
        3) "Catania"
        4) "3479447370796909"
        > GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Catania"
        2) "56.4412578701582"
        3) "Palermo"
        4) "190.44242984775784"
        > OBJECT ENCODING d
        "listpack"
        > GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 STOREDIST
        (integer) 1
        > ZRANGE d 0 -1 WITHSCORES
        1) "Catania"
        2) "56.4412578701582"
        > GEOSEARCHSTORE g g FROMLONLAT 15 37 BYBOX 200 200 km ASC
        (integer) 1
        > ZRANGE g 0 -1 WITHSCORES
        1) "Catania"
        2) "3479447370796909"
        > GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 1 m
        (integer) 0
        > EXISTS d
        (integer) 0
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 1 m
        (integer) 0
        > GEOSEARCHSTORE g none FROMMEMBER a BYRADIUS 1 m
        (integer) 0
        > EXISTS g
        (integer) 0
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 1 m WITHDIST
        (error) ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 1 m WITHCOORD STOREDIST
        (error) ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > geosearchstore d none FROMLONLAT 15 37 ASC DESC DESC
        (error) ERR exactly one of BYRADIUS and BYBOX can be specified for geosearchstore
        > GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 1 m STORE x
        (error) ERR syntax error
        "#,
    );
}

#[test]
fn georadius_is_the_older_way() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEORADIUS g 15 37 200 km
        1) "Palermo"
        2) "Catania"
        > GEORADIUS g 15 37 200 km WITHDIST DESC
        1) 1) "Palermo"
           2) "190.4424"
        2) 1) "Catania"
           2) "56.4413"
        > GEORADIUS_RO g 15 37 200 km WITHDIST WITHCOORD WITHHASH ASC
        1) 1) "Catania"
           2) "56.4413"
           3) (integer) 3479447370796909
           4) 1) "15.08726745843887329"
              2) "37.50266842333162032"
        2) 1) "Palermo"
           2) "190.4424"
           3) (integer) 3479099956230698
           4) 1) "13.36138933897018433"
              2) "38.11555639549629859"
        > GEORADIUS g 15 37 200 km COUNT 1
        1) "Catania"
        > GEORADIUS g 15 37 200 km COUNT 1 ANY
        1) "Palermo"
        > GEORADIUSBYMEMBER g Palermo 200 km ASC
        1) "Palermo"
        2) "Catania"
        > GEORADIUSBYMEMBER_RO g Palermo 100 km WITHDIST
        1) 1) "Palermo"
           2) "0.0000"
        > GEORADIUS g 15 37 200 km STORE d
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Palermo"
        2) "3479099956230698"
        3) "Catania"
        4) "3479447370796909"
        > GEORADIUS g 15 37 200 km STOREDIST d
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Catania"
        2) "56.4412578701582"
        3) "Palermo"
        4) "190.44242984775784"
        > GEORADIUSBYMEMBER g Palermo 100 km STOREDIST d
        (integer) 1
        > ZRANGE d 0 -1 WITHSCORES
        1) "Palermo"
        2) "0"
        > GEORADIUS g 15 37 200 km STORE d STORE e
        (integer) 2
        > EXISTS d e
        (integer) 2
        > GEORADIUS g 15 37 200 km STORE d STOREDIST e
        (integer) 2
        > ZRANGE e 0 -1 WITHSCORES
        1) "Catania"
        2) "56.4412578701582"
        3) "Palermo"
        4) "190.44242984775784"
        > GEORADIUS g 15 37 200 km STOREDIST STORE STOREDIST x
        (integer) 2
        > EXISTS STORE STOREDIST x
        (integer) 1
        > GEORADIUS g 15 37 1 m STORE d
        (integer) 0
        > EXISTS d
        (integer) 0
        > GEORADIUS none 15 37 1 m STORE e
        (integer) 0
        > EXISTS e
        (integer) 0
        > GEORADIUS none 15 37 200 km
        (empty array)
        > GEORADIUSBYMEMBER none a 200 km
        (empty array)
        > GEORADIUSBYMEMBER none a x yd
        (empty array)
        > GEORADIUSBYMEMBER none a x yd STORE g
        (integer) 0
        > EXISTS g
        (integer) 0
        "#,
    );
}

#[test]
fn georadius_refuses() {
    transcript(
        r#"
        > GEOADD g 13.361389 38.115556 a
        (integer) 1
        > GEORADIUS g 15 37 200
        (error) ERR wrong number of arguments for 'georadius' command
        > GEORADIUS g 15 37 x km
        (error) ERR need numeric radius
        > GEORADIUS g 15 37 -1 km
        (error) ERR radius cannot be negative
        > GEORADIUS g 15 37 1 yd
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEORADIUS g x 37 1 km
        (error) ERR value is not a valid float
        > GEORADIUS g 15 100 1 km
        (error) ERR invalid longitude,latitude pair 15.000000,100.000000
        > GEORADIUS g 15 37 1 km x
        (error) ERR syntax error
        > GEORADIUS g 15 37 1 km COUNT
        (error) ERR syntax error
        > GEORADIUS g 15 37 1 km COUNT 0
        (error) ERR COUNT must be > 0
        > GEORADIUS g 15 37 1 km ANY
        (error) ERR the ANY argument requires COUNT argument
        > GEORADIUS g 15 37 1 km STORE
        (error) ERR syntax error
        > GEORADIUS g 15 37 1 km STORE d WITHDIST
        (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUS g 15 37 1 km WITHHASH STOREDIST d
        (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUS_RO g 15 37 1 km STORE d
        (error) ERR syntax error
        > GEORADIUS_RO g 15 37 1 km STOREDIST d
        (error) ERR syntax error
        > GEORADIUS g 15 37 1 km FROMMEMBER a
        (error) ERR syntax error
        > GEORADIUS g 15 37 1 km BYRADIUS 1 m
        (error) ERR syntax error
        > GEORADIUSBYMEMBER g none 1 km
        (error) ERR could not decode requested zset member
        > GEORADIUSBYMEMBER g none x km
        (error) ERR could not decode requested zset member
        > GEORADIUSBYMEMBER g a x km
        (error) ERR need numeric radius
        > GEORADIUSBYMEMBER_RO g a 1 km STORE d
        (error) ERR syntax error
        > GEORADIUSBYMEMBER none a 1 km x
        (error) ERR syntax error
        > GEORADIUSBYMEMBER none a 1 km WITHDIST STORE x
        (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > SET s v
        OK
        > GEORADIUS s x 37 1 km
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEORADIUSBYMEMBER s a 1 km
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}
