//! The string commands.

use crate::support::logged::logged_alike;
use crate::support::{Reply, Server, transcript};

#[test]
fn set_then_get() {
    transcript(
        r#"
        > SET k v
        OK
        > GET k
        "v"
        > SET k "\x00\xff \r\n"
        OK
        > GET k
        "\x00\xff \r\n"
        > SET k ""
        OK
        > GET k
        ""
        > STRLEN k
        (integer) 0
        > GET none
        (nil)
        > STRLEN none
        (integer) 0
        "#,
    );
}

#[test]
fn set_takes_each_condition() {
    transcript(
        r#"
        > SET k v XX
        (nil)
        > SET k v NX
        OK
        > SET k w NX
        (nil)
        > GET k
        "v"
        > SET k w XX
        OK
        > GET k
        "w"
        > SET k x NX XX
        (error) ERR syntax error
        > SET k x XX NX
        (error) ERR syntax error
        "#,
    );
}

#[test]
fn set_get_answers_the_old_value() {
    transcript(
        r#"
        > SET k v GET
        (nil)
        > SET k w GET
        "v"
        > SET k x NX GET
        "w"
        > GET k
        "w"
        > SET none x XX GET
        (nil)
        > EXISTS none
        (integer) 0
        > SET new x NX GET
        (nil)
        > GET new
        "x"
        "#,
    );
}

#[test]
fn set_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > SET
        (error) ERR wrong number of arguments for 'set' command
        > SET k
        (error) ERR wrong number of arguments for 'set' command
        > SET k v EX
        (error) ERR syntax error
        > SET k v EX abc
        (error) ERR value is not an integer or out of range
        > SET k v EX 0
        (error) ERR invalid expire time in 'set' command
        > SET k v EX -1
        (error) ERR invalid expire time in 'set' command
        > SET k v PX 0
        (error) ERR invalid expire time in 'set' command
        > SET k v EX 9223372036854775807
        (error) ERR invalid expire time in 'set' command
        > SET k v PX 9223372036854775807
        (error) ERR invalid expire time in 'set' command
        > SET k v EXAT 0
        (error) ERR invalid expire time in 'set' command
        > SET k v PXAT -5
        (error) ERR invalid expire time in 'set' command
        > SET k v EX 10 PX 10
        (error) ERR syntax error
        > SET k v EX 10 KEEPTTL
        (error) ERR syntax error
        > SET k v KEEPTTL EX 10
        (error) ERR syntax error
        > SET k v EX 10 EX 20
        OK
        > SET k v NX NX
        (nil)
        > SET k v WHAT
        (error) ERR syntax error
        > SET k v 10
        (error) ERR syntax error
        > SET k v EX 1.5
        (error) ERR value is not an integer or out of range
        > EXISTS k
        (integer) 1
        "#,
    );
}

#[test]
fn set_clears_or_keeps_the_expiry() {
    transcript(
        r#"
        > SET k v PXAT 4000000000000
        OK
        > SET k w KEEPTTL
        OK
        > PEXPIRETIME k
        (integer) 4000000000000
        > SET k x
        OK
        > PEXPIRETIME k
        (integer) -1
        > SET k v EXAT 4000000000
        OK
        > EXPIRETIME k
        (integer) 4000000000
        > SET none v KEEPTTL
        OK
        > TTL none
        (integer) -1
        "#,
    );
}

#[test]
fn set_with_a_past_time_leaves_no_key() {
    transcript(
        r#"
        > SET k v
        OK
        > SET k w PXAT 1
        OK
        > EXISTS k
        (integer) 0
        > SET k w EXAT 1 GET
        (nil)
        > GET k
        (nil)
        "#,
    );
}

#[test]
fn setnx_setex_psetex_getset() {
    transcript(
        r#"
        > SETNX k v
        (integer) 1
        > SETNX k w
        (integer) 0
        > GET k
        "v"
        > SETEX k 0 v
        (error) ERR invalid expire time in 'setex' command
        > SETEX k -1 v
        (error) ERR invalid expire time in 'setex' command
        > SETEX k x v
        (error) ERR value is not an integer or out of range
        > SETEX k 9223372036854775807 v
        (error) ERR invalid expire time in 'setex' command
        > PSETEX k 0 v
        (error) ERR invalid expire time in 'psetex' command
        > PSETEX k 9223372036854775807 v
        (error) ERR invalid expire time in 'psetex' command
        > SETEX k 100 w
        OK
        > GET k
        "w"
        > PSETEX k 100000 x
        OK
        > GET k
        "x"
        > GETSET k y
        "x"
        > TTL k
        (integer) -1
        > GETSET none z
        (nil)
        > GETSET k
        (error) ERR wrong number of arguments for 'getset' command
        > SETEX k 100
        (error) ERR wrong number of arguments for 'setex' command
        > PSETEX k 100
        (error) ERR wrong number of arguments for 'psetex' command
        > SETNX k
        (error) ERR wrong number of arguments for 'setnx' command
        "#,
    );
}

#[test]
fn getex_changes_the_expiry() {
    transcript(
        r#"
        > SET k v
        OK
        > GETEX k PXAT 4000000000000
        "v"
        > PEXPIRETIME k
        (integer) 4000000000000
        > GETEX k
        "v"
        > PEXPIRETIME k
        (integer) 4000000000000
        > GETEX k EXAT 4000000000
        "v"
        > EXPIRETIME k
        (integer) 4000000000
        > GETEX k PERSIST
        "v"
        > TTL k
        (integer) -1
        > GETEX none EX 10
        (nil)
        > GETEX k EX 0
        (error) ERR invalid expire time in 'getex' command
        > GETEX k EX -1
        (error) ERR invalid expire time in 'getex' command
        > GETEX k PX 9223372036854775807
        (error) ERR invalid expire time in 'getex' command
        > GETEX k EX 10 PERSIST
        (error) ERR syntax error
        > GETEX k PERSIST PERSIST
        "v"
        > GETEX k KEEPTTL
        (error) ERR syntax error
        > GETEX k EX
        (error) ERR syntax error
        > GETEX k NX
        (error) ERR syntax error
        > GETEX
        (error) ERR wrong number of arguments for 'getex' command
        > GETEX k PXAT 1
        "v"
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn getdel_takes_the_value_away() {
    transcript(
        r#"
        > SET k v
        OK
        > GETDEL k
        "v"
        > GETDEL k
        (nil)
        > EXISTS k
        (integer) 0
        > GETDEL
        (error) ERR wrong number of arguments for 'getdel' command
        "#,
    );
}

#[test]
fn counters_count() {
    transcript(
        r#"
        > INCR n
        (integer) 1
        > INCR n
        (integer) 2
        > INCRBY n 10
        (integer) 12
        > DECR n
        (integer) 11
        > DECRBY n 20
        (integer) -9
        > GET n
        "-9"
        > OBJECT ENCODING n
        "int"
        > INCRBY n -9223372036854775808
        (error) ERR increment or decrement would overflow
        > DECRBY n -9223372036854775808
        (error) ERR decrement would overflow
        > GET n
        "-9"
        "#,
    );
}

#[test]
fn counters_refuse_what_is_no_integer() {
    transcript(
        r#"
        > SET t text
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        > DECRBY t 1
        (error) ERR value is not an integer or out of range
        > SET t " 1"
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        > SET t "1 "
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        > SET t 1.0
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        > SET t 01
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        > SET t ""
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        > INCRBY t x
        (error) ERR value is not an integer or out of range
        > INCRBY t 1.5
        (error) ERR value is not an integer or out of range
        > INCRBY t
        (error) ERR wrong number of arguments for 'incrby' command
        > INCR
        (error) ERR wrong number of arguments for 'incr' command
        > SET t 9223372036854775808
        OK
        > INCR t
        (error) ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn counters_do_not_overflow() {
    transcript(
        r#"
        > SET n 9223372036854775807
        OK
        > INCR n
        (error) ERR increment or decrement would overflow
        > INCRBY n 1
        (error) ERR increment or decrement would overflow
        > GET n
        "9223372036854775807"
        > SET n -9223372036854775808
        OK
        > DECR n
        (error) ERR increment or decrement would overflow
        > DECRBY n 1
        (error) ERR increment or decrement would overflow
        > DECRBY n -9223372036854775808
        (error) ERR decrement would overflow
        > GET n
        "-9223372036854775808"
        > INCRBY n 9223372036854775807
        (integer) -1
        > GET n
        "-1"
        "#,
    );
}

#[test]
fn only_incrbyfloat_looks_at_the_type_before_the_increment() {
    transcript(
        "
        > RPUSH l a
        (integer) 1
        > INCRBYFLOAT l x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > INCRBY l x
        (error) ERR value is not an integer or out of range
        > INCRBYFLOAT none x
        (error) ERR value is not a valid float
        > EXISTS none
        (integer) 0
        ",
    );
}

#[test]
fn counters_keep_the_expiry() {
    transcript(
        r#"
        > SET n 1 PXAT 4000000000000
        OK
        > INCR n
        (integer) 2
        > INCRBYFLOAT n 1.5
        "3.5"
        > APPEND n 0
        (integer) 4
        > SETRANGE n 0 9
        (integer) 4
        > PEXPIRETIME n
        (integer) 4000000000000
        > GET n
        "9.50"
        "#,
    );
}

#[test]
fn incrbyfloat_adds_as_redis_adds() {
    transcript(
        r#"
        > INCRBYFLOAT f 0.1
        "0.1"
        > INCRBYFLOAT f 0.2
        "0.3"
        > INCRBYFLOAT f 1e3
        "1000.29999999999999999"
        > INCRBYFLOAT f -1000.3
        "0"
        > INCRBYFLOAT f 0
        "0"
        > GET f
        "0"
        > SET f 3.0e3
        OK
        > INCRBYFLOAT f 200
        "3200"
        > SET f 10.50
        OK
        > INCRBYFLOAT f 0.1
        "10.6"
        > INCRBYFLOAT f 1e17
        "100000000000000010.6015625"
        > SET f 0
        OK
        > INCRBYFLOAT f 0.00000000000000001
        "0.00000000000000001"
        > INCRBYFLOAT f 1e-18
        "0.00000000000000001"
        > INCRBYFLOAT f 123456789012345678
        "123456789012345678"
        > OBJECT ENCODING f
        "embstr"
        "#,
    );
}

#[test]
fn incrbyfloat_refuses() {
    transcript(
        r#"
        > SET f text
        OK
        > INCRBYFLOAT f 1
        (error) ERR value is not a valid float
        > SET f 1
        OK
        > INCRBYFLOAT f x
        (error) ERR value is not a valid float
        > INCRBYFLOAT f nan
        (error) ERR value is not a valid float
        > INCRBYFLOAT f inf
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT f -inf
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT f 1e400
        "10000000000000000000281880683947586514586453433629052038625910693539685534008629862039363994848324160522094053927317616200295822777259255734023828976593340661017797447434546173917862448116674971723778943824391593338047470675026246684401359237513603830343735485505244955964979021825038280091068414947402456898653040951017512658092615827588920183472511643316591362664138176309734806343732497430221946880"
        > INCRBYFLOAT f 1e5000
        (error) ERR value is not a valid float
        > INCRBYFLOAT f " 1"
        (error) ERR value is not a valid float
        > INCRBYFLOAT f ""
        (error) ERR value is not a valid float
        > INCRBYFLOAT f
        (error) ERR wrong number of arguments for 'incrbyfloat' command
        > SET f 1e4931
        OK
        > INCRBYFLOAT f 1
        "100000000000000000000601894938796389132383777425453311477378504135253301948660872240753332777943314277366652556366627768206186090644046033662341616493109754210865362373994723782427360775564628207733774677062828108346124470945764363340927284485142091466676540833985649773830675645413703761844047618298286595405404632090829955594232130250332060208007020820362392107915188146020374501477493162049003039499871931261465406408137349324887712089245518638375343919787097804150279771688019395540310772191163864625693948419729312816032948236099699577948922485926403414694908719482079422243368784928456198723013400630541455362632361486447956507939005276198063346364012897969661536254550760830396055383086614559264437228910291860269674176774129715399835926313589798584969763867831058680372002464759306604407032376174743937515194999419152887617227403456123846568953091400249620854748845224921982104921769035924659432618853720084602547693685670772698642580430405368831757238029269088045467785221045879073317742109896534638384553301619296565337753342109755377320210545255958936022773255084354571746971521129302927710064995157927946321287522876870082727462995133158499420324370841219094831561479864172105415839735139574775854832875427053422572136164035622781608009489243336690241745424238262923227754402660964025532555781432158032534035233066061764232669614025723955254912107198518944384677762333488192918977370700840346659520483873362163327338363194485698948413844497838665605875531084883368979189648499884755036426410480080057824551176259469116154573089131974410795389799310100821760126931062989030835789379334434007283778271641052081864009977109440177202473108483586068993653303572685417539619535176809651931094463144592363805321457599337846877529286587143574224977797982277501432447584589961509638007989909953845312104385182134917837173664070264530428425488543761144169036061646636820219430776946220996338769044657669196955157104194128830264891282734519428627112223034782324607349828515370857950006265622271495411332929395334649561594778409117588355498811716738765068152578136186445036499260507912977060479329107655966804115355825476577428883133065867691029650653834398269907682414770607740118550133705367687544086311363017206790222383783852580218140600394260650760982632001519380763303558666153915042560594069176863784581543418458525591507408131725031957270037057987797717764434520593350585037421277906483714624276503471456946430686578482993644575489382521399571013756775034255676232913797338791304730055484173750680015498419868692396528614707927320356100464736528604987679078828830113005043720748906779884207844336016777224583410362930104134525212274343750193525437075704987852683828381070534301015328398595855074166137400121232317256223003729059767502927886548957026880361800152028074858848185863233214542218152450097053373885865288162573815895584046933483010636624326221042921025817397818652220830681420703883159033262215546415921619300547880931377266140644932198952990899040759971726535488708102762241216576479310624630991098475786962798270088505525990097356712849843778267149261035108885827146338749583302181931854870555860639584607039050032320463633938365552812365743811522503543394754387680531778149269129577241040374645677417566688450317550441527082425875030565378847388267103834048127818864801364745019043146973727700800304120469385915354405805910838451654126152112708811640234967915131722739518362849092216133642975738669840192868232365705692475864879384879982290760667907128096439354132512923168245666912345014087912013793154865253760150865620918348692838451584297376016360175623069782677923727507847182425866438213375987615153753259842952199975843101808700181748530091947958317104996778132220293686464878074402536145294711777670112921004987255531646720466847098913020373339134950170871318124406892119958731482397456823417479242913979908858779466652876998660282037596804544520921987559667887791210333694989414237817364869213085417789802019462967031110199493815703876595701479205617373962361487155731771445359733620206877493508640938641422337514176560175826841876411465105308828100924824611019508436446892683757299287011041141487877061639781733452936740323806169963208929354311818529988128046348180069620196672351192255607848383932506741556263305744840874654180859034222847696441668105587556178181000593632819184481591565871968352284597990101833505000624639202765714958033231973966037670718042916628065825843477336276456327713422052577986989383282486642290992848493937496407138624808859240814272364653380188286173620599278196536009000080282140876378764102343765311926375728021277369465521350707571762252116022718715763163558368213008936468254300729204200997615013518941592341324410000642108281739498830026573442267754810074182968284266833447231492870296861620469171736679864291614647301836337052342720341657925081157790098598095740483001940360036186052098593797350695655773975474178335472858935087637937116314108653841811379188662272"
        > SET f " 1"
        OK
        > INCRBYFLOAT f 1
        (error) ERR value is not a valid float
        > SET f 0x10
        OK
        > INCRBYFLOAT f 1
        "17"
        > GET f
        "17"
        "#,
    );
}

#[test]
fn append_and_setrange_grow_a_string() {
    transcript(
        r#"
        > APPEND k ab
        (integer) 2
        > APPEND k ""
        (integer) 2
        > APPEND k cd
        (integer) 4
        > GET k
        "abcd"
        > APPEND none ""
        (integer) 0
        > EXISTS none
        (integer) 1
        > SETRANGE k 1 XY
        (integer) 4
        > GET k
        "aXYd"
        > SETRANGE k 6 z
        (integer) 7
        > GET k
        "aXYd\x00\x00z"
        > SETRANGE k 100 ""
        (integer) 7
        > STRLEN k
        (integer) 7
        > SETRANGE new 0 ""
        (integer) 0
        > EXISTS new
        (integer) 0
        > SETRANGE new 3 x
        (integer) 4
        > GET new
        "\x00\x00\x00x"
        > SETRANGE k -1 x
        (error) ERR offset is out of range
        > SETRANGE k 536870912 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 9223372036854775807 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k x y
        (error) ERR value is not an integer or out of range
        > SETRANGE k 0
        (error) ERR wrong number of arguments for 'setrange' command
        > APPEND k
        (error) ERR wrong number of arguments for 'append' command
        "#,
    );
}

#[test]
fn getrange_takes_any_bounds() {
    transcript(
        r#"
        > SET k "This is a string"
        OK
        > GETRANGE k 0 3
        "This"
        > GETRANGE k -3 -1
        "ing"
        > GETRANGE k 0 -1
        "This is a string"
        > GETRANGE k 10 100
        "string"
        > GETRANGE k 5 3
        ""
        > GETRANGE k 100 200
        ""
        > GETRANGE k -100 2
        "Thi"
        > GETRANGE k -100 -200
        ""
        > GETRANGE k -1 -3
        ""
        > GETRANGE k 9223372036854775807 -1
        ""
        > GETRANGE k 0 -9223372036854775808
        "T"
        > GETRANGE none 0 -1
        ""
        > SUBSTR k 0 3
        "This"
        > SET n 12345
        OK
        > GETRANGE n 1 3
        "234"
        > GETRANGE k a 1
        (error) ERR value is not an integer or out of range
        > GETRANGE k 0
        (error) ERR wrong number of arguments for 'getrange' command
        > SUBSTR k 0
        (error) ERR wrong number of arguments for 'substr' command
        "#,
    );
}

#[test]
fn many_keys_at_once() {
    transcript(
        r#"
        > MSET a 1 b 2 a 3
        OK
        > MGET a b none
        1) "3"
        2) "2"
        3) (nil)
        > MSETNX c 1 a 2
        (integer) 0
        > EXISTS c
        (integer) 0
        > MSETNX c 1 d 2 c 3
        (integer) 1
        > MGET c d
        1) "3"
        2) "2"
        > MSET a
        (error) ERR wrong number of arguments for 'mset' command
        > MSET a 1 b
        (error) ERR wrong number of arguments for 'mset' command
        > MSETNX a
        (error) ERR wrong number of arguments for 'msetnx' command
        > MSETNX a 1 b
        (error) ERR wrong number of arguments for 'msetnx' command
        > MGET
        (error) ERR wrong number of arguments for 'mget' command
        > MSET
        (error) ERR wrong number of arguments for 'mset' command
        "#,
    );
}

#[test]
fn mset_clears_the_expiry() {
    transcript(
        r#"
        > SET a 1 EX 100
        OK
        > MSET a 2
        OK
        > TTL a
        (integer) -1
        "#,
    );
}

#[test]
fn lcs_finds_the_longest_common_subsequence() {
    transcript(
        r#"
        > MSET a ohmytext b mynewtext
        OK
        > LCS a b
        "mytext"
        > LCS a b LEN
        (integer) 6
        > LCS a b IDX
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
           2) 1) 1) (integer) 2
                 2) (integer) 3
              2) 1) (integer) 0
                 2) (integer) 1
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN 4
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
              3) (integer) 4
        3) "len"
        4) (integer) 6
        > LCS a b IDX WITHMATCHLEN MINMATCHLEN -5
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
              3) (integer) 4
           2) 1) 1) (integer) 2
                 2) (integer) 3
              2) 1) (integer) 0
                 2) (integer) 1
              3) (integer) 2
        3) "len"
        4) (integer) 6
        > LCS a b MINMATCHLEN 100 IDX
        1) "matches"
        2) (empty array)
        3) "len"
        4) (integer) 6
        > LCS a none
        ""
        > LCS a none LEN
        (integer) 0
        > LCS a none IDX
        1) "matches"
        2) (empty array)
        3) "len"
        4) (integer) 0
        > LCS a b LEN IDX
        (error) ERR If you want both the length and indexes, please just use IDX.
        > LCS a b WHAT
        (error) ERR syntax error
        > LCS a b MINMATCHLEN
        (error) ERR syntax error
        > LCS a b MINMATCHLEN x
        (error) ERR value is not an integer or out of range
        > LCS a
        (error) ERR wrong number of arguments for 'lcs' command
        "#,
    );
}

#[test]
fn encodings_of_strings() {
    transcript(
        r#"
        > SET s 123
        OK
        > OBJECT ENCODING s
        "int"
        > SET s 9223372036854775807
        OK
        > OBJECT ENCODING s
        "int"
        > SET s 9223372036854775808
        OK
        > OBJECT ENCODING s
        "embstr"
        > SET s 01
        OK
        > OBJECT ENCODING s
        "embstr"
        > SET s ""
        OK
        > OBJECT ENCODING s
        "embstr"
        > SET s 12345678901234567890123456789012345678901234
        OK
        > OBJECT ENCODING s
        "embstr"
        > SET s 123456789012345678901234567890123456789012345
        OK
        > OBJECT ENCODING s
        "raw"
        > SET s a
        OK
        > APPEND s b
        (integer) 2
        > OBJECT ENCODING s
        "raw"
        > SET s 1
        OK
        > APPEND s 2
        (integer) 2
        > OBJECT ENCODING s
        "raw"
        > SET s 10
        OK
        > INCR s
        (integer) 11
        > OBJECT ENCODING s
        "int"
        > SET s abc
        OK
        > SETRANGE s 0 x
        (integer) 3
        > OBJECT ENCODING s
        "raw"
        > INCRBYFLOAT f 1.5
        "1.5"
        > OBJECT ENCODING f
        "embstr"
        > SET i 1
        OK
        > SETRANGE i 0 2
        (integer) 1
        > OBJECT ENCODING i
        "raw"
        > GETSET i 77
        "2"
        > OBJECT ENCODING i
        "int"
        > OBJECT REFCOUNT i
        (integer) 2147483647
        > SET i 10000
        OK
        > OBJECT REFCOUNT i
        (integer) 1
        > SET i 9999
        OK
        > OBJECT REFCOUNT i
        (integer) 2147483647
        "#,
    );
}

#[test]
fn strings_are_logged_as_redis_logs_them() {
    logged_alike(
        &[
            "SET a 1",
            "SET a 2 GET",
            "SET a 3 XX GET KEEPTTL",
            "SET a 4 NX",
            "SET b 1 NX GET",
            "SET b 1 PXAT 99999999999999 GET",
            "SET b 1 EXAT 99999999999 GET XX",
            "SET b 2 KEEPTTL",
            "SETNX a 1",
            "SETNX c 1",
            "GETSET c 2",
            "GETDEL c",
            "GETDEL c",
            "GETEX b",
            "GETEX b PERSIST",
            "GETEX b PERSIST",
            "GETEX b EXAT 99999999999",
            "GETEX b PXAT 99999999999999",
            "GETEX b EXAT 1",
            "GETEX b EX 0",
            "SET past v PXAT 1",
            "GET past",
            "SET past v EXAT 1",
            "SETNX past v",
            "INCR n",
            "DECRBY n 5",
            "INCRBYFLOAT n 0.5",
            "INCRBYFLOAT new 1e3",
            "INCRBYFLOAT a nan",
            "APPEND n \"\"",
            "APPEND new x",
            "SETRANGE n 0 \"\"",
            "SETRANGE n 3 x",
            "SETRANGE none 0 \"\"",
            "MSET a 1 b 2 a 3",
            "MSETNX a 1 d 2",
            "MSETNX e 1 e 2",
        ],
        &[],
    );
}

#[test]
fn lazy_expiry_is_logged_as_such() {
    logged_alike(
        &[
            "SET a 1",
            "GETEX a PXAT 1",
            "SET a 1 PXAT 1",
            "GET a",
            "SET b 1",
            "GETDEL b",
        ],
        &[
            "--lazyfree-lazy-expire",
            "yes",
            "--lazyfree-lazy-user-del",
            "yes",
        ],
    );
}

#[test]
fn a_string_grows_to_its_limit() {
    transcript(
        r#"
        > CONFIG SET proto-max-bulk-len 1048576
        OK
        > SETRANGE k 1048575 x
        (integer) 1048576
        > APPEND k x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 1048575 xx
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 1048576 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 9223372036854775807 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 9223372036854775807 ""
        (integer) 1048576
        > APPEND k ""
        (integer) 1048576
        > GETRANGE k 1048574 -1
        "\x00x"
        > STRLEN k
        (integer) 1048576
        > SETRANGE j 600 x
        (integer) 601
        > LCS j k
        (error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        > LCS j j LEN
        (error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        > LCS none k LEN
        (error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        > LCS none j LEN
        (integer) 0
        > LCS none k IDX LEN
        (error) ERR If you want both the length and indexes, please just use IDX.
        "#,
    );
}

#[test]
fn a_long_value_is_read_in_parts() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let value: Vec<u8> = (0..100_000u32).map(|index| (index % 251) as u8).collect();
    client.call(&[b"SET", &b"k"[..], &value]);
    for (start, end) in [
        (0, 99_999),
        (1, 16_384),
        (5, 50_000),
        (99_990, 99_999),
        (70_000, 200_000),
    ] {
        let reply = client.line(&format!("GETRANGE k {start} {end}"));
        let Reply::Bulk(part) = reply else {
            panic!("a string: {reply}")
        };
        assert_eq!(part, value[start..=end.min(99_999)], "{start} to {end}");
    }
    // What is on its way to a client is not changed by what comes after.
    client.send(&["GET", "k"]);
    client.send(&["SETRANGE", "k", "0", "xxxx"]);
    assert_eq!(client.reply(), Reply::Bulk(value));
    assert_eq!(client.reply(), Reply::Integer(100_000));
}
