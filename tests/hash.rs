//! The commands of hashes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::logged::{self, LATER, LOGGED, logged_alike};
use crate::support::{Client, Kind, Server, transcript};

#[test]
fn hset_and_its_kin_set_fields() {
    transcript(
        r#"
        > HSET h a 1
        (integer) 1
        > HSET h a 2 b 3 c 4 b 5
        (integer) 2
        > HGET h a
        "2"
        > HGET h b
        "5"
        > HGET h none
        (nil)
        > HGET none a
        (nil)
        > HMSET h d 6 a 7
        OK
        > HMGET h a b none a
        1) "7"
        2) "5"
        3) (nil)
        4) "7"
        > HMGET none a b
        1) (nil)
        2) (nil)
        > HSETNX h a 8
        (integer) 0
        > HSETNX h e 9
        (integer) 1
        > HSETNX new f 10
        (integer) 1
        > HGETALL new
        1) "f"
        2) "10"
        > HLEN h
        (integer) 5
        > HLEN none
        (integer) 0
        > HEXISTS h a
        (integer) 1
        > HEXISTS h none
        (integer) 0
        > HEXISTS none a
        (integer) 0
        > HSTRLEN h e
        (integer) 1
        > HSTRLEN h none
        (integer) 0
        > HSTRLEN none a
        (integer) 0
        > HSET h "" ""
        (integer) 1
        > HGET h ""
        ""
        > HSTRLEN h ""
        (integer) 0
        > HSET h "\x00\xff\r\n" "\x01 \xfe"
        (integer) 1
        > HGET h "\x00\xff\r\n"
        "\x01 \xfe"
        > HSET h 12 012 012 12
        (integer) 2
        > HGETALL h
         1) "a"
         2) "7"
         3) "b"
         4) "5"
         5) "c"
         6) "4"
         7) "d"
         8) "6"
         9) "e"
        10) "9"
        11) ""
        12) ""
        13) "\x00\xff\r\n"
        14) "\x01 \xfe"
        15) "12"
        16) "012"
        17) "012"
        18) "12"
        > HKEYS h
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        6) ""
        7) "\x00\xff\r\n"
        8) "12"
        9) "012"
        > HVALS h
        1) "7"
        2) "5"
        3) "4"
        4) "6"
        5) "9"
        6) ""
        7) "\x01 \xfe"
        8) "012"
        9) "12"
        > HGETALL none
        (empty array)
        > HKEYS none
        (empty array)
        > HVALS none
        (empty array)
        > TYPE h
        hash
        "#,
    );
}

#[test]
fn hset_wants_pairs() {
    transcript(
        r#"
        > HSET h
        (error) ERR wrong number of arguments for 'hset' command
        > HSET h a
        (error) ERR wrong number of arguments for 'hset' command
        > HSET h a 1 b
        (error) ERR wrong number of arguments for 'hset' command
        > HMSET h a 1 b
        (error) ERR wrong number of arguments for 'hmset' command
        > HMSET h a
        (error) ERR wrong number of arguments for 'hmset' command
        > HSETNX h a
        (error) ERR wrong number of arguments for 'hsetnx' command
        > HSETNX h a 1 b
        (error) ERR wrong number of arguments for 'hsetnx' command
        > HGET h
        (error) ERR wrong number of arguments for 'hget' command
        > HGET h a b
        (error) ERR wrong number of arguments for 'hget' command
        > HMGET h
        (error) ERR wrong number of arguments for 'hmget' command
        > HLEN
        (error) ERR wrong number of arguments for 'hlen' command
        > HSTRLEN h
        (error) ERR wrong number of arguments for 'hstrlen' command
        > HEXISTS h
        (error) ERR wrong number of arguments for 'hexists' command
        > HGETALL h x
        (error) ERR wrong number of arguments for 'hgetall' command
        > HKEYS
        (error) ERR wrong number of arguments for 'hkeys' command
        > HVALS
        (error) ERR wrong number of arguments for 'hvals' command
        > HDEL h
        (error) ERR wrong number of arguments for 'hdel' command
        > EXISTS h
        (integer) 0
        "#,
    );
}

#[test]
fn hash_commands_refuse_other_types() {
    transcript(
        r#"
        > SET s v
        OK
        > HSET s a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSET s a
        (error) ERR wrong number of arguments for 'hset' command
        > HMSET s a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSETNX s a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HGET s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HMGET s a b
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HLEN s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSTRLEN s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXISTS s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HKEYS s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HVALS s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HGETALL s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HDEL s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBY s a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBY s a x
        (error) ERR value is not an integer or out of range
        > HINCRBYFLOAT s a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBYFLOAT s a x
        (error) ERR value is not a valid float
        > HRANDFIELD s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HRANDFIELD s 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSCAN s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXPIRE s 1 FIELDS 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXPIRE s x FIELDS 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HPERSIST s FIELDS 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HPERSIST s FIELDS x a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HTTL s FIELDS 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HPEXPIRETIME s FIELDS x a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSET h a 1
        (integer) 1
        > GET h
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD h a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > APPEND h x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GET s
        "v"
        "#,
    );
}

#[test]
fn hdel_removes_fields_and_with_the_last_the_key() {
    transcript(
        r#"
        > HSET h a 1 b 2 c 3
        (integer) 3
        > HDEL h a none a
        (integer) 1
        > HDEL none a
        (integer) 0
        > HDEL h none
        (integer) 0
        > HGETALL h
        1) "b"
        2) "2"
        3) "c"
        4) "3"
        > PEXPIREAT h 4000000000000
        (integer) 1
        > HDEL h b c d
        (integer) 2
        > EXISTS h
        (integer) 0
        > HSET h a 1
        (integer) 1
        > PTTL h
        (integer) -1
        "#,
    );
}

#[test]
fn hincrby_counts() {
    transcript(
        r#"
        > HINCRBY h a 5
        (integer) 5
        > HINCRBY h a -7
        (integer) -2
        > HINCRBY h b 0
        (integer) 0
        > HSET h text abc float 1.5 space " 1" plus +1 zeros 01 empty ""
        (integer) 6
        > HINCRBY h text 1
        (error) ERR hash value is not an integer
        > HINCRBY h float 1
        (error) ERR hash value is not an integer
        > HINCRBY h space 1
        (error) ERR hash value is not an integer
        > HINCRBY h plus 1
        (error) ERR hash value is not an integer
        > HINCRBY h zeros 1
        (error) ERR hash value is not an integer
        > HINCRBY h empty 1
        (error) ERR hash value is not an integer
        > HSET h big 9223372036854775807 small -9223372036854775808
        (integer) 2
        > HINCRBY h big 1
        (error) ERR increment or decrement would overflow
        > HINCRBY h small -1
        (error) ERR increment or decrement would overflow
        > HINCRBY h big -9223372036854775807
        (integer) 0
        > HINCRBY h a 9223372036854775808
        (error) ERR value is not an integer or out of range
        > HINCRBY h a 1.0
        (error) ERR value is not an integer or out of range
        > HINCRBY h a
        (error) ERR wrong number of arguments for 'hincrby' command
        > HINCRBY h a 1 2
        (error) ERR wrong number of arguments for 'hincrby' command
        > HGETALL h
         1) "a"
         2) "-2"
         3) "b"
         4) "0"
         5) "text"
         6) "abc"
         7) "float"
         8) "1.5"
         9) "space"
        10) " 1"
        11) "plus"
        12) "+1"
        13) "zeros"
        14) "01"
        15) "empty"
        16) ""
        17) "big"
        18) "0"
        19) "small"
        20) "-9223372036854775808"
        > HINCRBY none a x
        (error) ERR value is not an integer or out of range
        > EXISTS none
        (integer) 0
        "#,
    );
}

#[test]
fn hincrbyfloat_adds_as_redis_prints() {
    transcript(
        r#"
        > HINCRBYFLOAT h a 10.5
        "10.5"
        > HINCRBYFLOAT h a 0.1
        "10.6"
        > HINCRBYFLOAT h a -5e0
        "5.6"
        > HINCRBYFLOAT h b 3.0e3
        "3000"
        > HINCRBYFLOAT h c 1e-10
        "0.0000000001"
        > HSET h int 5 text abc space " 1" empty "" sci 5.0e3
        (integer) 5
        > HINCRBYFLOAT h int 1
        "6"
        > HINCRBYFLOAT h sci 200
        "5200"
        > HINCRBYFLOAT h text 1
        (error) ERR hash value is not a float
        > HINCRBYFLOAT h space 1
        (error) ERR hash value is not a float
        > HINCRBYFLOAT h empty 1
        (error) ERR hash value is not a float
        > HINCRBYFLOAT h a x
        (error) ERR value is not a valid float
        > HINCRBYFLOAT h a ""
        (error) ERR value is not a valid float
        > HINCRBYFLOAT h a " 1"
        (error) ERR value is not a valid float
        > HINCRBYFLOAT h a nan
        (error) ERR value is not a valid float
        > HINCRBYFLOAT h a inf
        (error) ERR value is NaN or Infinity
        > HINCRBYFLOAT h a -inf
        (error) ERR value is NaN or Infinity
        > HINCRBYFLOAT g huge 1.1e4932
        "1099999999999999999974373107528241817659030869279043407734988001817024145106513112504247507989334878520248308281361039478032934883265306874247558219180296632615879769284426144446587301862925949044860103916345584575444940764072805023841127038694056136469796496577126541639538344365510095288710750981114492840403606011035722140950388865380426626956598546884662554156676899849274474003946737153202663113471019038507440355784997612447212190315662150842498356408074864010786635463165434158504462993091203108212159354301043245621277048030590981217752749212401923243127138342167748918430168950395586853357811402450292366170936077374287304280516496791243181744660062034825766801562331288150173113824584687813457202545074014431803319775315998574294061353416922646887741547820181608294728217534644103487399058533712092272305657732870431777406038928081305932744454766811852554655135914113871013315952423872114812576001290757699422940111221911945045555478113741593424829620020501745005161710852074978186012721939150513407866391014807697433774795954470026204995541086095733716024007432033404098852964387711906037511284559079635511511105265001649140398250845901004463286876433863964550221008676952276372763575067911963853973001567055756406569343128045403641205087980394365831369003383371685227603278316511752728825492551800986973888739380062196017445702056808445069966439845998936831463863177685365729564195287455361289677323687699873017110388717240797343316362732376481099624642042706786493959231517121398104419805714616715338680064974161422455804452567918920783640928588852013556050411583586757800270730283623088608996390812328255730910963083908032153603402103429802759514853593616153177067415500911713676922818119941758485502483713233836391339711841574287048214054398466058177648133951583659697856319367061612039944071671309477097363997509664406124665760289811187313097505600091492012780926469541380190748595297191682855137672939243900595892243809281653980678128535594541228440218634574770280704029980829588473167907433901747603664817549052020034363401122401934497142344372734618140572998330462995589527034982774919647972676484630128249232151111400418665059666503407412833853472426302097183776179610563338678157970778598436154852230047505079011474601450756518383098667900525033393730130873831407982398320863044521090953981107647680374498820504991155090311321944715075464093659603368699803397944284348470932230600497140776992039106460467277241357274444180967598387038056950513122745966308365514701933261279467260780160047872244699873110020313983169069446477846410770223000745472326974222305733387182924217259845948288427247030039382730488672890229875724957711454218804526205902529773029920794664316040495109529187373742219119822413974416337644618016902599598961368374895207391065016376787494616448057680729910798524806625099187066004462348989545247911652754375344583008535499532314813905020948248399115016943815715937994396941618435619169772385095396152416767195742049851747613446789499374318798671625381003617099318979921187323092570719108388936497413021570787532233753573732786708918585920746076107959919806474257304522391293937223772917858124175606129639031362747570161480150988788136235047002696138807315834676967498996056893633045100327055704032355749831583184677746838894850303565926247689146391879788439427269920324541554278141768823388006416617704470227965980425854679637276674238801946369896560455431159381910870233417834630593573883650136801998237960628020208247398481757468084566811835562055730279594121590811427373679641364043894097024788364847476979150654114561895755972439261022946239838345042369327640360307656142990885171448040586898198259723915086866804741833530114682089637546435457028154781181140931264907183459409078936729981544306081683010025321003041561883391470801186929063790223066325097692289553470222652062743716817355209725137427212444146559934968597141351682488626743327756829921471593990068872438225701901480173844607644558335922716519091818910648440929906650467666042330589650648201165134007539549842213154851674975025009949919518589140278940864888841740301067579841024563714682594585397073634656151707861040438536974108573443444281454191384584475697323062320067494855247657937783341904958252264900431607261250517735640918806139627134190829662969929928161163150996697459754147389369654546789346295061279066556987634926829726090875108170773496087213988428078725430074999430133270176603727855456303366522730112671767574399401456844648538462547659531008270166403919064525301187429965384383165284377279321704286099496402949518133649750949806158890635637969041636190902934947020628579214382009278904086610444871161338666575623527742889622596223558611437936647589192801663915111889094971481486408327912032020150988471330536026172285448434458991524947597084554968263341074076517000345409674031798358143745760733861343415397393159190284273438760077636163984763308746185933756214688892548733454529957267178522323242088136704"
        > HSTRLEN g huge
        (integer) 4933
        > HINCRBYFLOAT g huge 1.1e4932
        (error) ERR increment would produce NaN or Infinity
        > HINCRBYFLOAT h a
        (error) ERR wrong number of arguments for 'hincrbyfloat' command
        > DEL g
        (integer) 1
        > HMGET h a b c int text space empty sci
        1) "5.6"
        2) "3000"
        3) "0.0000000001"
        4) "6"
        5) "abc"
        6) " 1"
        7) ""
        8) "5200"
        > HINCRBYFLOAT none a x
        (error) ERR value is not a valid float
        > EXISTS none
        (integer) 0
        "#,
    );
}

#[test]
fn hrandfield_picks_what_is_there() {
    transcript(
        r#"
        > HSET h a 1
        (integer) 1
        > HRANDFIELD h
        "a"
        > HRANDFIELD h 1
        1) "a"
        > HRANDFIELD h 5
        1) "a"
        > HRANDFIELD h -3
        1) "a"
        2) "a"
        3) "a"
        > HRANDFIELD h 5 WITHVALUES
        1) "a"
        2) "1"
        > HRANDFIELD h -2 withvalues
        1) "a"
        2) "1"
        3) "a"
        4) "1"
        > HRANDFIELD h 0
        (empty array)
        > HRANDFIELD h 0 WITHVALUES
        (empty array)
        > HSET h b 2 c 3
        (integer) 2
        > HRANDFIELD h 3
        1) "a"
        2) "b"
        3) "c"
        > HRANDFIELD h 100 WITHVALUES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        > HRANDFIELD h 9223372036854775807
        1) "a"
        2) "b"
        3) "c"
        > HRANDFIELD none
        (nil)
        > HRANDFIELD none 3
        (empty array)
        > HRANDFIELD none -3 WITHVALUES
        (empty array)
        > HRANDFIELD h x
        (error) ERR value is not an integer or out of range
        > HRANDFIELD h 1.5
        (error) ERR value is not an integer or out of range
        > HRANDFIELD h -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > HRANDFIELD h 4611686018427387904 WITHVALUES
        (error) ERR value is out of range
        > HRANDFIELD h -4611686018427387904 WITHVALUES
        (error) ERR value is out of range
        > HRANDFIELD none -4611686018427387904 WITHVALUES
        (error) ERR value is out of range
        > HRANDFIELD h 1 x
        (error) ERR syntax error
        > HRANDFIELD h 1 WITHVALUES x
        (error) ERR syntax error
        > HRANDFIELD h x y
        (error) ERR value is not an integer or out of range
        > HRANDFIELD
        (error) ERR wrong number of arguments for 'hrandfield' command
        "#,
    );
}

#[test]
fn hscan_walks_over_a_hash() {
    transcript(
        r#"
        > HSET h a 1 b 2 ab 3
        (integer) 3
        > HSCAN h 0
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "3"
        > HSCAN h 0 COUNT 1
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "3"
        > HSCAN h 7
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "3"
        > HSCAN h 0 MATCH a*
        1) "0"
        2) 1) "a"
           2) "1"
           3) "ab"
           4) "3"
        > HSCAN h 0 NOVALUES
        1) "0"
        2) 1) "a"
           2) "b"
           3) "ab"
        > HSCAN h 0 novalues MATCH a* COUNT 100
        1) "0"
        2) 1) "a"
           2) "ab"
        > HSCAN h 0 MATCH none
        1) "0"
        2) (empty array)
        > HSCAN h 0 MATCH a* MATCH b
        1) "0"
        2) 1) "b"
           2) "2"
        > HSCAN none 0
        1) "0"
        2) (empty array)
        > HSCAN none 0 FOO
        1) "0"
        2) (empty array)
        > HSCAN none x
        (error) ERR invalid cursor
        > HSCAN h x
        (error) ERR invalid cursor
        > HSCAN h -1
        (error) ERR invalid cursor
        > HSCAN h 0 COUNT 0
        (error) ERR syntax error
        > HSCAN h 0 COUNT x
        (error) ERR value is not an integer or out of range
        > HSCAN h 0 COUNT
        (error) ERR syntax error
        > HSCAN h 0 MATCH
        (error) ERR syntax error
        > HSCAN h 0 TYPE hash
        (error) ERR syntax error
        > HSCAN h 0 FOO
        (error) ERR syntax error
        > HSCAN h
        (error) ERR wrong number of arguments for 'hscan' command
        "#,
    );
}

#[test]
fn a_hash_is_packed_up_to_its_limits() {
    transcript(
        r#"
        # flags --hash-max-listpack-entries 3 --hash-max-listpack-value 5
        > HSET h a 1 b 2 c 3
        (integer) 3
        > OBJECT ENCODING h
        "listpack"
        > HSET h c 4
        (integer) 0
        > OBJECT ENCODING h
        "listpack"
        > HSET h d 4
        (integer) 1
        > OBJECT ENCODING h
        "hashtable"
        > HDEL h a b c
        (integer) 3
        > OBJECT ENCODING h
        "hashtable"
        > DEL h
        (integer) 1
        > HSET h a 12345
        (integer) 1
        > OBJECT ENCODING h
        "listpack"
        > HSET h a 123456
        (integer) 0
        > OBJECT ENCODING h
        "hashtable"
        > HSET g 12345 1
        (integer) 1
        > OBJECT ENCODING g
        "listpack"
        > HSETNX g 123456 1
        (integer) 1
        > OBJECT ENCODING g
        "hashtable"
        > HSET i a 1 a 2 a 3
        (integer) 1
        > OBJECT ENCODING i
        "listpack"
        > HSET i a 1 a 2 a 3 a 4
        (integer) 0
        > OBJECT ENCODING i
        "hashtable"
        > HLEN i
        (integer) 1
        > HINCRBY j a 12345
        (integer) 12345
        > OBJECT ENCODING j
        "listpack"
        > HINCRBY j a 123456
        (integer) 135801
        > OBJECT ENCODING j
        "hashtable"
        > HINCRBYFLOAT k a 1.25
        "1.25"
        > OBJECT ENCODING k
        "listpack"
        > HINCRBYFLOAT k a 1.0625
        "2.3125"
        > OBJECT ENCODING k
        "hashtable"
        > COPY i l
        (integer) 1
        > OBJECT ENCODING l
        "hashtable"
        > RENAME l m
        OK
        > HGETALL m
        1) "a"
        2) "4"
        > DEL h g i j k m
        (integer) 6
        "#,
    );
}

#[test]
fn hexpire_says_what_became_of_each_field() {
    transcript(
        r#"
        > HSET h a 1 b 2 c 3 d 4
        (integer) 4
        > HPEXPIREAT h 4000000000000 FIELDS 3 a b none
        1) (integer) 1
        2) (integer) 1
        3) (integer) -2
        > HPEXPIRETIME h FIELDS 4 a b c none
        1) (integer) 4000000000000
        2) (integer) 4000000000000
        3) (integer) -1
        4) (integer) -2
        > HEXPIRETIME h FIELDS 3 a c none
        1) (integer) 4000000000
        2) (integer) -1
        3) (integer) -2
        > HEXPIREAT h 5000000000 NX FIELDS 2 a c
        1) (integer) 0
        2) (integer) 1
        > HEXPIREAT h 5000000001 XX FIELDS 3 a d none
        1) (integer) 1
        2) (integer) 0
        3) (integer) -2
        > HEXPIREAT h 5000000000 GT FIELDS 4 a b c d
        1) (integer) 0
        2) (integer) 1
        3) (integer) 0
        4) (integer) 0
        > HEXPIREAT h 5000000002 gt FIELDS 2 b c
        1) (integer) 1
        2) (integer) 1
        > HEXPIREAT h 5000000000 LT FIELDS 4 a b c d
        1) (integer) 1
        2) (integer) 1
        3) (integer) 1
        4) (integer) 1
        > HEXPIRETIME h FIELDS 4 a b c d
        1) (integer) 5000000000
        2) (integer) 5000000000
        3) (integer) 5000000000
        4) (integer) 5000000000
        > HEXPIREAT h 5000000000 LT FIELDS 1 d
        1) (integer) 0
        > HPERSIST h FIELDS 3 a a none
        1) (integer) 1
        2) (integer) -1
        3) (integer) -2
        > HPERSIST h FIELDS 2 b c
        1) (integer) 1
        2) (integer) 1
        > HPERSIST h FIELDS 1 d
        1) (integer) 1
        > HTTL h FIELDS 2 a none
        1) (integer) -1
        2) (integer) -2
        > HPTTL h FIELDS 1 a
        1) (integer) -1
        > HEXPIREAT none 5000000000 FIELDS 2 a b
        1) (integer) -2
        2) (integer) -2
        > HTTL none FIELDS 2 a b
        1) (integer) -2
        2) (integer) -2
        > HPERSIST none FIELDS 2 a b
        1) (integer) -2
        2) (integer) -2
        > HPEXPIREAT h 4000000000001 FIELDS 2 a a
        1) (integer) 1
        2) (integer) 1
        > HEXPIRETIME h FIELDS 1 a
        1) (integer) 4000000001
        > HGETALL h
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        7) "d"
        8) "4"
        > HLEN h
        (integer) 4
        "#,
    );
}

#[test]
fn hexpire_into_the_past_removes_the_field() {
    transcript(
        r#"
        > HSET h a 1 b 2 c 3 d 4
        (integer) 4
        > HEXPIRE h 0 FIELDS 2 a none
        1) (integer) 2
        2) (integer) -2
        > HPEXPIRE h 0 NX FIELDS 1 b
        1) (integer) 2
        > HEXPIREAT h 100 XX FIELDS 1 c
        1) (integer) 0
        > HPEXPIREAT h 0 GT FIELDS 1 c
        1) (integer) 0
        > HPEXPIREAT h 0 LT FIELDS 1 c
        1) (integer) 2
        > HGETALL h
        1) "d"
        2) "4"
        > HEXPIRE h 0 FIELDS 3 d d c
        1) (integer) 2
        2) (integer) -2
        3) (integer) -2
        > EXISTS h
        (integer) 0
        "#,
    );
}

#[test]
fn hexpire_refuses_what_is_no_time_or_no_list_of_fields() {
    transcript(
        r#"
        # no-reload
        > HSET h a 1 b 2
        (integer) 2
        > HEXPIRE h x FIELDS 1 a
        (error) ERR value is not an integer or out of range
        > HEXPIRE h 1.5 FIELDS 1 a
        (error) ERR value is not an integer or out of range
        > HEXPIRE h -1 FIELDS 1 a
        (error) ERR invalid expire time, must be >= 0
        > HPEXPIREAT h -1 FIELDS 1 a
        (error) ERR invalid expire time, must be >= 0
        > HEXPIRE h 70368744177664 FIELDS 1 a
        (error) ERR invalid expire time in 'hexpire' command
        > HEXPIRE h 9223372036854775807 FIELDS 1 a
        (error) ERR invalid expire time in 'hexpire' command
        > HEXPIREAT h 70368744178 FIELDS 1 a
        (error) ERR invalid expire time in 'hexpireat' command
        > HPEXPIRE h 70368744177663 FIELDS 1 a
        (error) ERR invalid expire time in 'hpexpire' command
        > HPEXPIREAT h 70368744177664 FIELDS 1 a
        (error) ERR invalid expire time in 'hpexpireat' command
        > HPEXPIREAT h 70368744177663 FIELDS 1 a
        1) (integer) 1
        > HPERSIST h FIELDS 1 a
        1) (integer) 1
        > HEXPIRE h 10 FIELD 1 a
        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRE h 10 FOO FIELDS 1 a
        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRE h 10 NX XX FIELDS 1 a
        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRE h 10 NX FIELDS 1
        (error) ERR The `numfields` parameter must match the number of arguments
        > HEXPIRE h 10 FIELDS 0 a
        (error) ERR Parameter `numFields` should be greater than 0
        > HEXPIRE h 10 FIELDS -1 a
        (error) ERR Parameter `numFields` should be greater than 0
        > HEXPIRE h 10 FIELDS x a
        (error) ERR Parameter `numFields` should be greater than 0
        > HEXPIRE h 10 FIELDS 99999999999999999999 a
        (error) ERR Parameter `numFields` should be greater than 0
        > HEXPIRE h 10 FIELDS 9223372036854775807 a
        (error) ERR The `numfields` parameter must match the number of arguments
        > HEXPIRE h 10 FIELDS 2 a
        (error) ERR The `numfields` parameter must match the number of arguments
        > HEXPIRE h 10 FIELDS 1 a b
        (error) ERR The `numfields` parameter must match the number of arguments
        > HEXPIRE h 10 FIELDS 1
        (error) ERR wrong number of arguments for 'hexpire' command
        > HEXPIRE h x FOO 1 a
        (error) ERR value is not an integer or out of range
        > HEXPIRE h -1 FOO 1 a
        (error) ERR invalid expire time, must be >= 0
        > HEXPIRE h 10 FOO x a
        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > HEXPIRE none x FIELDS 1 a
        (error) ERR value is not an integer or out of range
        > HEXPIRE none 10 FIELDS 3 a b
        (error) ERR The `numfields` parameter must match the number of arguments
        > HTTL h FIELDS 0 a
        (error) ERR Number of fields must be a positive integer
        > HTTL h FIELDS x a
        (error) ERR Number of fields must be a positive integer
        > HTTL h FIELD 1 a
        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > HTTL h FIELDS 2 a
        (error) ERR The `numfields` parameter must match the number of arguments
        > HTTL h FIELDS 1 a b
        (error) ERR The `numfields` parameter must match the number of arguments
        > HTTL h FIELDS 1
        (error) ERR wrong number of arguments for 'httl' command
        > HPTTL none FIELDS 0 a
        (error) ERR Number of fields must be a positive integer
        > HPTTL none FIELDS 2 a
        (error) ERR The `numfields` parameter must match the number of arguments
        > HPERSIST h FIELDS 0 a
        (error) ERR Number of fields must be a positive integer
        > HPERSIST h FOO 1 a
        (error) ERR Mandatory argument FIELDS is missing or not at the right position
        > HPERSIST h FIELDS 2 a
        (error) ERR The `numfields` parameter must match the number of arguments
        > HEXPIRETIME h FIELDS -1 a
        (error) ERR Number of fields must be a positive integer
        > HPEXPIRETIME h FIELDS 1 a b c
        (error) ERR The `numfields` parameter must match the number of arguments
        > HPEXPIRETIME h FIELDS 2 a b
        1) (integer) -1
        2) (integer) -1
        "#,
    );
}

#[test]
fn another_value_takes_the_expiry_of_a_field() {
    transcript(
        r#"
        > HSET h a 1 b 2 c 3 d 4
        (integer) 4
        > HPEXPIREAT h 4000000000000 FIELDS 4 a b c d
        1) (integer) 1
        2) (integer) 1
        3) (integer) 1
        4) (integer) 1
        > HSET h a 5
        (integer) 0
        > HMSET h b 6
        OK
        > HINCRBY h c 1
        (integer) 4
        > HINCRBYFLOAT h d 0.5
        "4.5"
        > HSETNX h c 9
        (integer) 0
        > HPEXPIRETIME h FIELDS 4 a b c d
        1) (integer) -1
        2) (integer) -1
        3) (integer) 4000000000000
        4) (integer) 4000000000000
        > HDEL h c
        (integer) 1
        > HSET h c 1
        (integer) 1
        > HPEXPIRETIME h FIELDS 1 c
        1) (integer) -1
        > COPY h copy
        (integer) 1
        > HPEXPIRETIME copy FIELDS 1 d
        1) (integer) 4000000000000
        > RENAME copy other
        OK
        > HPEXPIRETIME other FIELDS 1 d
        1) (integer) 4000000000000
        "#,
    );
}

#[test]
fn a_packed_hash_with_expiries_is_ordered_by_them() {
    transcript(
        r#"
        # no-reload
        > HSET h a 1 b 2 c 3 d 4
        (integer) 4
        > OBJECT ENCODING h
        "listpack"
        > HPEXPIREAT h 4000000000000 FIELDS 1 none
        1) (integer) -2
        > OBJECT ENCODING h
        "listpackex"
        > HPEXPIREAT h 4000000000000 FIELDS 2 b d
        1) (integer) 1
        2) (integer) 1
        > HKEYS h
        1) "d"
        2) "b"
        3) "a"
        4) "c"
        > HPEXPIREAT h 3000000000000 FIELDS 1 c
        1) (integer) 1
        > HKEYS h
        1) "c"
        2) "d"
        3) "b"
        4) "a"
        > HPEXPIREAT h 4000000000001 FIELDS 1 c
        1) (integer) 1
        > HGETALL h
        1) "d"
        2) "4"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        7) "a"
        8) "1"
        > HPERSIST h FIELDS 1 d
        1) (integer) 1
        > HKEYS h
        1) "b"
        2) "c"
        3) "a"
        4) "d"
        > HSET h b 5 a 6 e 7
        (integer) 1
        > HKEYS h
        1) "c"
        2) "a"
        3) "d"
        4) "b"
        5) "e"
        > HINCRBY h c 1
        (integer) 4
        > HVALS h
        1) "4"
        2) "6"
        3) "4"
        4) "5"
        5) "7"
        > HPERSIST h FIELDS 1 c
        1) (integer) 1
        > OBJECT ENCODING h
        "listpackex"
        > HPEXPIREAT new 4000000000000 FIELDS 1 a
        1) (integer) -2
        > EXISTS new
        (integer) 0
        "#,
    );
}

#[test]
fn a_large_hash_with_expiries_is_a_hashtable() {
    transcript(
        r#"
        # flags --hash-max-listpack-entries 3
        > HSET h a 1 b 2 c 3
        (integer) 3
        > HPEXPIREAT h 4000000000000 FIELDS 2 b c
        1) (integer) 1
        2) (integer) 1
        > OBJECT ENCODING h
        "listpackex"
        > HSET h d 4
        (integer) 1
        > OBJECT ENCODING h
        "hashtable"
        > HPEXPIRETIME h FIELDS 4 a b c d
        1) (integer) -1
        2) (integer) 4000000000000
        3) (integer) 4000000000000
        4) (integer) -1
        > HPEXPIREAT h 4000000000001 GT FIELDS 4 a b c d
        1) (integer) 0
        2) (integer) 1
        3) (integer) 1
        4) (integer) 0
        > HPERSIST h FIELDS 1 b
        1) (integer) 1
        > HSET h c 5
        (integer) 0
        > HPEXPIRETIME h FIELDS 4 a b c d
        1) (integer) -1
        2) (integer) -1
        3) (integer) -1
        4) (integer) -1
        > HPEXPIREAT h 4000000000002 NX FIELDS 4 a b c d
        1) (integer) 1
        2) (integer) 1
        3) (integer) 1
        4) (integer) 1
        > HSETNX h e 5
        (integer) 1
        > HPEXPIRETIME h FIELDS 5 a b c d e
        1) (integer) 4000000000002
        2) (integer) 4000000000002
        3) (integer) 4000000000002
        4) (integer) 4000000000002
        5) (integer) -1
        > HEXPIRE h 0 FIELDS 5 a b c d e
        1) (integer) 2
        2) (integer) 2
        3) (integer) 2
        4) (integer) 2
        5) (integer) 2
        > EXISTS h
        (integer) 0
        "#,
    );
}

#[test]
fn expired_fields_are_there_until_something_removes_them() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-reload
        > DEBUG SET-ACTIVE-EXPIRE 0
        OK
        > HSET h a 1 b 2 c 3 d 4 e 5 f 6
        (integer) 6
        > HPEXPIRE h 1 FIELDS 5 a b c d e
        1) (integer) 1
        2) (integer) 1
        3) (integer) 1
        4) (integer) 1
        5) (integer) 1
        > DEBUG SLEEP 0.01
        OK
        > HLEN h
        (integer) 6
        > HGETALL h
        1) "f"
        2) "6"
        > HKEYS h
        1) "f"
        > HVALS h
        1) "6"
        > HSCAN h 0
        1) "0"
        2) 1) "f"
           2) "6"
        > HTTL h FIELDS 2 a f
        1) (integer) -2
        2) (integer) -1
        > HPERSIST h FIELDS 1 a
        1) (integer) -2
        > HLEN h
        (integer) 6
        > HGET h a
        (nil)
        > HLEN h
        (integer) 5
        > HEXISTS h b
        (integer) 0
        > HSTRLEN h c
        (integer) 0
        > HMGET h d d f
        1) (nil)
        2) (nil)
        3) "6"
        > HLEN h
        (integer) 2
        > HDEL h e
        (integer) 1
        > HLEN h
        (integer) 1
        > HGETALL h
        1) "f"
        2) "6"
        "#,
    );
}

#[test]
fn writing_to_an_expired_field() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-reload
        > DEBUG SET-ACTIVE-EXPIRE 0
        OK
        > HSET h a 1 b 2 c 3 d 4 e 5 f 6 g 7
        (integer) 7
        > HPEXPIRE h 1 FIELDS 7 a b c d e f g
        1) (integer) 1
        2) (integer) 1
        3) (integer) 1
        4) (integer) 1
        5) (integer) 1
        6) (integer) 1
        7) (integer) 1
        > DEBUG SLEEP 0.01
        OK
        > HSET h a 2
        (integer) 0
        > HSETNX h b 3
        (integer) 1
        > HINCRBY h c 10
        (integer) 10
        > HINCRBYFLOAT h d 0.5
        "0.5"
        > HPEXPIREAT h 4000000000000 NX FIELDS 1 e
        1) (integer) 0
        > HPEXPIREAT h 4000000000000 FIELDS 1 e
        1) (integer) 1
        > HEXPIRE h 0 FIELDS 1 f
        1) (integer) 2
        > HLEN h
        (integer) 6
        > HGETALL h
         1) "e"
         2) "5"
         3) "a"
         4) "2"
         5) "b"
         6) "3"
         7) "c"
         8) "10"
         9) "d"
        10) "0.5"
        > HRANDFIELD h 10
        1) "e"
        2) "a"
        3) "b"
        4) "c"
        5) "d"
        > HLEN h
        (integer) 5
        > HPEXPIRETIME h FIELDS 7 a b c d e f g
        1) (integer) -1
        2) (integer) -1
        3) (integer) -1
        4) (integer) -1
        5) (integer) 4000000000000
        6) (integer) -2
        7) (integer) -2
        "#,
    );
}

#[test]
fn a_hash_of_expired_fields_goes_with_the_last() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-reload
        > DEBUG SET-ACTIVE-EXPIRE 0
        OK
        > HSET h a 1 b 2
        (integer) 2
        > HPEXPIRE h 1 FIELDS 2 a b
        1) (integer) 1
        2) (integer) 1
        > DEBUG SLEEP 0.01
        OK
        > EXISTS h
        (integer) 1
        > TYPE h
        hash
        > HGETALL h
        (empty array)
        > COPY h copy
        (integer) 1
        > HGET h a
        (nil)
        > EXISTS h
        (integer) 1
        > HGET h b
        (nil)
        > EXISTS h
        (integer) 0
        > HRANDFIELD copy
        (nil)
        > EXISTS copy
        (integer) 0
        > HSET h a 1 b 2
        (integer) 2
        > HPEXPIRE h 1 FIELDS 2 a b
        1) (integer) 1
        2) (integer) 1
        > PEXPIREAT h 4000000000000
        (integer) 1
        > DEBUG SLEEP 0.01
        OK
        > HDEL h b
        (integer) 1
        > HINCRBY h a 5
        (integer) 5
        > PTTL h
        (integer) -1
        > HGETALL h
        1) "a"
        2) "5"
        "#,
    );
}

#[test]
fn the_digest_of_a_hash_is_that_of_redis() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        > HSET h a 1 b 2 c 3
        (integer) 3
        > DEBUG DIGEST-VALUE h
        1) b60c36e529712296d694f27b5914cbe84950995e
        > HPEXPIREAT h 4000000000000 FIELDS 2 a c
        1) (integer) 1
        2) (integer) 1
        > DEBUG DIGEST-VALUE h
        1) 073cdd013a9546fea128346c627ca5646241e7a7
        > DEBUG DIGEST
        13958f8c773e465ca9bdec4959ae3a41573052b2
        > PEXPIREAT h 4000000000000
        (integer) 1
        > DEBUG DIGEST
        67ee34308ac935b6e116eb170c116e6fad1c6f6d
        "#,
    );
}

#[test]
fn what_hashes_log() {
    let logged = logged_alike(
        &[
            "HSET h a 1 b 2 c 3",
            "hset h a 1",
            "HMSET h d 4",
            "HSETNX h a 1",
            "HSETNX h e 5",
            "HINCRBY h a 2",
            "HINCRBYFLOAT h f 0.1",
            "HINCRBYFLOAT h f 1e2",
            "HDEL h none",
            "HDEL h a none e",
            "HEXPIRE h 1000 FIELDS 2 b none",
            "HPEXPIRE h 1000000 XX FIELDS 2 b f",
            "HPEXPIREAT h 4000000000000 FIELDS 2 b none",
            "hpexpireat h 4000000000001 FIELDS 2 b f",
            "hpexpireat h 4000000000000 nx FIELDS 3 b c d",
            "HEXPIREAT h 5000000000 gt fields 3 b c f",
            "HEXPIREAT h 5000000000 FIELDS 1 none",
            "HEXPIRE none 10 FIELDS 1 a",
            "HPERSIST h FIELDS 2 b none",
            "HPERSIST h FIELDS 1 b",
            "HEXPIRE h 0 FIELDS 3 b none c",
            "HEXPIRE h 0 XX FIELDS 3 d d f",
            "EXISTS h",
        ],
        &[],
    );
    assert!(logged.contains(&"HSET h f 100.1".to_owned()), "{logged:?}");
    let later = "HPEXPIREAT h MS gt fields 3 b c f".to_owned();
    assert!(logged.contains(&later), "{logged:?}");
}

#[test]
fn fields_that_expire_on_the_way_are_logged_as_gone() {
    for entries in ["512", "0"] {
        let logged = logged_alike(
            &[
                "DEBUG SET-ACTIVE-EXPIRE 0",
                "HSET h a 1 b 2 c 3 d 4 e 5 f 6",
                "HPEXPIRE h 1 FIELDS 5 a b c d e",
                LATER,
                "HGET h a",
                "HGET h a",
                "HMGET h b f b c",
                "HINCRBY h d 5",
                "HLEN h",
                "HSTRLEN h e",
                "HSET i a 1",
                "HPEXPIRE i 1 FIELDS 1 a",
                LATER,
                "HGETALL i",
                "HEXISTS i a",
                "HSETNX i a 2",
                "HPEXPIRE i 1 FIELDS 1 a",
                LATER,
                "HINCRBYFLOAT i a 1.5",
                "HPEXPIRE i 1 FIELDS 1 a",
                LATER,
                "HDEL i a",
                "EXISTS i",
            ],
            &["--hash-max-listpack-entries", entries],
        );
        let gone = logged.iter().filter(|line| line.starts_with("HDEL"));
        assert_eq!(gone.count(), 8, "{logged:?}");
    }
}

/// Redis logs the sum as `HSET`, which takes the expiry away when it is read back.
#[test]
fn a_sum_keeps_its_expiry_over_a_restart() {
    let flags = [LOGGED, &["--appendfsync", "always"]].concat();
    let mut server = Server::keytag(&flags);
    let lines = ["HSET h a 1 b 2", "HPEXPIREAT h 4000000000000 FIELDS 1 a"];
    logged::say(&server, &lines);
    logged::say(&server, &["HINCRBYFLOAT h a 0.5", "HINCRBYFLOAT h b 0.5"]);
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.line("HGET h a").to_string(), "\"1.5\"");
    let expiries = client.line("HPEXPIRETIME h FIELDS 2 a b").to_string();
    assert_eq!(expiries, "1) (integer) 4000000000000\n2) (integer) -1");
}

#[test]
fn fields_expire_in_the_background() {
    for entries in ["512", "3"] {
        for kind in [Kind::Keytag, Kind::Oracle] {
            let flags = [LOGGED, &["--hash-max-listpack-entries", entries]].concat();
            let server = Server::start(kind, &flags);
            let mut client = server.connect();
            assert_eq!(client.line("HSET h a 1 b 2 c 3 d 4 e 5").integer(), 5);
            assert_eq!(client.line("HSET i a 1").integer(), 1);
            client.line("HPEXPIRE h 20 FIELDS 4 a b c d");
            client.line("HPEXPIRE i 30 FIELDS 1 a");
            assert!(subexpiry(&mut client) <= 2);
            let deadline = Instant::now() + Duration::from_secs(20);
            while client.line("HLEN h").integer() > 1 || client.line("DBSIZE").integer() > 1 {
                assert!(Instant::now() < deadline, "nothing expires");
                std::thread::sleep(Duration::from_millis(2));
            }
            assert_eq!(client.line("HGETALL h").to_string(), "1) \"e\"\n2) \"5\"");
            assert_eq!(client.info_number("expired_subkeys"), 5);
            assert_eq!(client.info_number("expired_keys"), 0);
            assert_eq!(subexpiry(&mut client), 0);
            let is_whole = |logged: &[String]| {
                let gone = logged.iter().filter(|line| line.starts_with("HDEL"));
                gone.count() >= 5
            };
            // What the background has done is written behind it.
            let mut logged = logged::requests(&server);
            while !is_whole(&logged) {
                assert!(Instant::now() < deadline, "{logged:?}");
                logged = logged::requests(&server);
            }
            let gone = logged.iter().filter(|line| line.starts_with("HDEL"));
            assert_eq!(gone.count(), 5, "{logged:?}");
        }
    }
}

/// How many hashes have fields that expire, as INFO tells.
fn subexpiry(client: &mut Client) -> u64 {
    let keyspace = client.info("db0").unwrap_or_default();
    let (_, count) = keyspace.split_once("subexpiry=").unwrap_or(("", "0"));
    count.parse().expect("a number")
}

#[test]
fn a_watched_hash_changes_when_a_field_expires() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, LOGGED);
        let replies = logged::say(
            &server,
            &[
                "DEBUG SET-ACTIVE-EXPIRE 0",
                "HSET h a 1 b 2",
                "HPEXPIRE h 1 FIELDS 1 a",
                LATER,
                "WATCH h",
                "2> HGET h a",
                "MULTI",
                "HLEN h",
                "EXEC",
            ],
        );
        assert_eq!(
            replies.last().map(String::as_str),
            Some("(nil)"),
            "{kind:?}"
        );
    }
}

/// Every field of a hash is met by a walk of small steps, while others come and go.
#[test]
fn hscan_meets_what_stays() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for field in 0..1_000 {
        client.line(&format!("HSET h stays:{field} {field}"));
    }
    let mut met = BTreeSet::new();
    let mut cursor = "0".to_owned();
    for round in 0.. {
        let reply = client.line(&format!("HSCAN h {cursor} COUNT 7"));
        let parts = reply.items();
        assert!(parts[1].items().len() <= 2 * 20, "a small step");
        met.extend(parts[1].items().chunks(2).map(|pair| pair[0].text()));
        cursor = parts[0].text();
        if cursor == "0" {
            break;
        }
        client.line(&format!("HSET h new:{round} 1"));
        client.line(&format!("HDEL h new:{} new:{}", round / 2, round / 3));
    }
    let stays = met.iter().filter(|field| field.starts_with("stays:"));
    assert_eq!(stays.count(), 1_000);
}
