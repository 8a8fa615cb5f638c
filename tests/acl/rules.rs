//! `ACL SETUSER`: what is a rule, and what is printed of it.

use crate::support::transcript;

#[test]
fn a_new_user_may_do_nothing() {
    transcript(
        r#"
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        > ACL SETUSER alice
        OK
        > ACL LIST
        1) "user alice off sanitize-payload resetchannels -@all"
        2) "user default on nopass sanitize-payload ~* &* +@all"
        > ACL GETUSER alice
         1) "flags"
         2) 1) "off"
            2) "sanitize-payload"
         3) "passwords"
         4) (empty array)
         5) "commands"
         6) "-@all"
         7) "keys"
         8) ""
         9) "channels"
        10) ""
        11) "selectors"
        12) (empty array)
        > ACL GETUSER default
         1) "flags"
         2) 1) "on"
            2) "nopass"
            3) "sanitize-payload"
         3) "passwords"
         4) (empty array)
         5) "commands"
         6) "+@all"
         7) "keys"
         8) "~*"
         9) "channels"
        10) "&*"
        11) "selectors"
        12) (empty array)
        > ACL GETUSER nobody
        (nil)
        > ACL USERS
        1) "alice"
        2) "default"
        > ACL SETUSER Alice
        OK
        > ACL USERS
        1) "Alice"
        2) "alice"
        3) "default"
        "#,
    );
}

#[test]
fn every_rule_has_one_form() {
    transcript(
        r#"
        > ACL SETUSER u ON >x #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 >y SKIP-sanitize-payload
        OK
        > ACL SETUSER u %R~a %w~a %rw~b %WR~c %R~d %W~e %R ~ ~x ~x &a &a & &b*
        OK
        > ACL SETUSER u +get +SET -set +@String -@dangerous +CONFIG|Get +select|0 +select|A +select|1 +SELECT|a
        OK
        > ACL SETUSER u (%R~s* +get ) ( ~* &* +@all -@all +@all ) () ( "" +set )
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u on skip-sanitize-payload #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 #a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa ~a ~b ~c %R~d %W~e ~ ~x resetchannels &a & &b* -@all +get -set +@string -@dangerous +config|get +select|0 +select|1 +select|a (%R~s* resetchannels -@all +get) (~* &* +@all) (resetchannels -@all) (resetchannels -@all +set)"
        > ACL GETUSER u
         1) "flags"
         2) 1) "on"
            2) "skip-sanitize-payload"
         3) "passwords"
         4) 1) "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
            2) "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"
         5) "commands"
         6) "-@all +get -set +@string -@dangerous +config|get +select|0 +select|1 +select|a"
         7) "keys"
         8) "~a ~b ~c %R~d %W~e ~ ~x"
         9) "channels"
        10) "&a & &b*"
        11) "selectors"
        12) 1) 1) "commands"
               2) "-@all +get"
               3) "keys"
               4) "%R~s*"
               5) "channels"
               6) ""
            2) 1) "commands"
               2) "+@all"
               3) "keys"
               4) "~*"
               5) "channels"
               6) "&*"
            3) 1) "commands"
               2) "-@all"
               3) "keys"
               4) ""
               5) "channels"
               6) ""
            4) 1) "commands"
               2) "-@all +set"
               3) "keys"
               4) ""
               5) "channels"
               6) ""
        > ACL SETUSER u allkeys allchannels allcommands clearselectors !2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 <y sanitize-payload
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u on sanitize-payload ~* &* +@all"
        > ACL SETUSER u >z nopass resetkeys resetchannels nocommands off
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off nopass sanitize-payload resetchannels -@all"
        > ACL SETUSER u on nopass ~x &x +@all (+get) skip-sanitize-payload
        OK
        > ACL SETUSER u reset
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload resetchannels -@all"
        > ACL SETUSER u > resetpass >
        OK
        > ACL GETUSER u
         1) "flags"
         2) 1) "off"
            2) "sanitize-payload"
         3) "passwords"
         4) 1) "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
         5) "commands"
         6) "-@all"
         7) "keys"
         8) ""
         9) "channels"
        10) ""
        11) "selectors"
        12) (empty array)
        "#,
    );
}

#[test]
fn a_later_rule_takes_the_place_of_an_earlier_one() {
    transcript(
        r#"
        > ACL SETUSER u +@all -get +get
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload resetchannels +@all +get"
        > ACL SETUSER u -@all +config|get +config|set -config +config|help
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload resetchannels -@all -config +config|help"
        > ACL SETUSER u +config -config|get +@read -@READ +getrange +get
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload resetchannels -@all +config -config|get -@read +getrange +get"
        > ACL SETUSER u -getrange -config|get +select|0 -select
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload resetchannels -@all +config -@read +get -getrange -config|get -select"
        "#,
    );
}

#[test]
fn what_is_no_rule_is_refused_and_changes_nothing() {
    transcript(
        r#"
        > ACL SETUSER u on >x ~a &a +get (~b +set)
        OK
        > ACL SETUSER u off nosuch
        (error) ERR Error in ACL SETUSER modifier 'nosuch': Syntax error
        > ACL SETUSER u off +nosuch
        (error) ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL
        > ACL SETUSER u off -nosuch
        (error) ERR Error in ACL SETUSER modifier '-nosuch': Unknown command or category name in ACL
        > ACL SETUSER u +
        (error) ERR Error in ACL SETUSER modifier '+': Unknown command or category name in ACL
        > ACL SETUSER u -
        (error) ERR Error in ACL SETUSER modifier '-': Unknown command or category name in ACL
        > ACL SETUSER u +@nosuch
        (error) ERR Error in ACL SETUSER modifier '+@nosuch': Unknown command or category name in ACL
        > ACL SETUSER u -@
        (error) ERR Error in ACL SETUSER modifier '-@': Unknown command or category name in ACL
        > ACL SETUSER u +get|
        (error) ERR Error in ACL SETUSER modifier '+get|': Syntax error
        > ACL SETUSER u +config|
        (error) ERR Error in ACL SETUSER modifier '+config|': Syntax error
        > ACL SETUSER u +config|nosuch
        (error) ERR Error in ACL SETUSER modifier '+config|nosuch': Unknown command or category name in ACL
        > ACL SETUSER u "+config|a b"
        (error) ERR Error in ACL SETUSER modifier '+config|a b': Unknown command or category name in ACL
        > ACL SETUSER u +config|get|maxmemory
        (error) ERR Error in ACL SETUSER modifier '+config|get|maxmemory': Allowing first-arg of a subcommand is not supported
        > ACL SETUSER u +get||
        (error) ERR Error in ACL SETUSER modifier '+get||': Unknown command or category name in ACL
        > ACL SETUSER u +nosuch|
        (error) ERR Error in ACL SETUSER modifier '+nosuch|': Unknown command or category name in ACL
        > ACL SETUSER u -get|x
        (error) ERR Error in ACL SETUSER modifier '-get|x': Unknown command or category name in ACL
        > ACL SETUSER u -|
        (error) ERR Error in ACL SETUSER modifier '-|': Unknown command or category name in ACL
        > ACL SETUSER u %RR~x
        (error) ERR Error in ACL SETUSER modifier '%RR~x': Syntax error
        > ACL SETUSER u %RWx
        (error) ERR Error in ACL SETUSER modifier '%RWx': Syntax error
        > ACL SETUSER u "~a b"
        (error) ERR Error in ACL SETUSER modifier '~a b': Syntax error
        > ACL SETUSER u "%R~a\x0bb"
        ~ (error) ERR Error in ACL SETUSER modifier '%R~a*b': Syntax error
        > ACL SETUSER u "~a\x00b"
        (error) ERR Error in ACL SETUSER modifier '~a': Syntax error
        > ACL SETUSER u "&a b"
        (error) ERR Error in ACL SETUSER modifier '&a b': Syntax error
        > ACL SETUSER u ~* ~x
        (error) ERR Error in ACL SETUSER modifier '~x': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns
        > ACL SETUSER u allkeys "%R~a b"
        (error) ERR Error in ACL SETUSER modifier '%R~a b': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns
        > ACL SETUSER u &* "&x y"
        (error) ERR Error in ACL SETUSER modifier '&x y': Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels
        > ACL SETUSER u <nosuch
        (error) ERR Error in ACL SETUSER modifier '<nosuch': The password you are trying to remove from the user does not exist
        > ACL SETUSER u !e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        (error) ERR Error in ACL SETUSER modifier '!e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855': The password you are trying to remove from the user does not exist
        > ACL SETUSER u #abc
        (error) ERR Error in ACL SETUSER modifier '#abc': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters
        > ACL SETUSER u #E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855
        (error) ERR Error in ACL SETUSER modifier '#E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters
        > ACL SETUSER u !
        (error) ERR Error in ACL SETUSER modifier '!': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters
        > ACL SETUSER u (
        (error) ERR Unmatched parenthesis in acl selector starting at '('.
        > ACL SETUSER u nosuch (~x) (+get nosuch
        (error) ERR Unmatched parenthesis in acl selector starting at '(+get'.
        > ACL SETUSER u (~x)y z
        (error) ERR Unmatched parenthesis in acl selector starting at '(~x)y'.
        > ACL SETUSER u )
        (error) ERR Error in ACL SETUSER modifier ')': Syntax error
        > ACL SETUSER u x(~y)
        (error) ERR Error in ACL SETUSER modifier 'x(~y)': Syntax error
        > ACL SETUSER u (on)
        (error) ERR Error in ACL SETUSER modifier '(on)': Syntax error
        > ACL SETUSER u ( +get  reset )
        (error) ERR Error in ACL SETUSER modifier '( +get reset )': Syntax error
        > ACL SETUSER u (~* ~x)
        (error) ERR Error in ACL SETUSER modifier '(~* ~x)': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns
        > ACL SETUSER u ((~x))
        (error) ERR Error in ACL SETUSER modifier '((~x))': Syntax error
        > ACL SETUSER u (~x "~y z)"
        (error) ERR Error in ACL SETUSER modifier '(~x ~y z)': Syntax error
        > ACL SETUSER u "\xff"
        ~ (error) ERR Error in ACL SETUSER modifier '*': Syntax error
        > ACL SETUSER "a b" on
        (error) ERR Usernames can't contain spaces or null characters
        > ACL SETUSER "a\x00b" nosuch
        (error) ERR Usernames can't contain spaces or null characters
        > ACL SETUSER "a\n" on
        (error) ERR Usernames can't contain spaces or null characters
        > ACL SETUSER
        (error) ERR wrong number of arguments for 'acl|setuser' command
        > ACL SETUSER new on nosuch
        (error) ERR Error in ACL SETUSER modifier 'nosuch': Syntax error
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u on sanitize-payload #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 ~a resetchannels &a -@all +get (~b resetchannels -@all +set)"
        "#,
    );
}

#[test]
fn a_word_ends_at_its_first_nul() {
    transcript(
        r#"
        > ACL SETUSER u "on\x00off" "+get\x00x" "" "(~a\x00b)" "(\x00)" "(\"x)"
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u on sanitize-payload resetchannels -@all +get (~a resetchannels -@all) (resetchannels -@all) (resetchannels -@all)"
        "#,
    );
}

#[test]
fn rules_that_crash_redis_are_syntax_errors() {
    // 7.4.1 takes them, and ends when it prints them: CVE-2024-51741, and a space in a first argument.
    transcript(
        r#"
        # keytag-only
        > ACL SETUSER u %
        (error) ERR Error in ACL SETUSER modifier '%': Syntax error
        > ACL SETUSER u %~x
        (error) ERR Error in ACL SETUSER modifier '%~x': Syntax error
        > ACL SETUSER u "+select|a b"
        (error) ERR Error in ACL SETUSER modifier '+select|a b': Syntax error
        > ACL SETUSER u (%)
        (error) ERR Error in ACL SETUSER modifier '(%)': Syntax error
        > ACL USERS
        1) "default"
        "#,
    );
}

#[test]
fn new_users_may_be_given_all_channels() {
    transcript(
        r#"
        # flags --acl-pubsub-default allchannels
        > CONFIG GET acl-pubsub-default
        1) "acl-pubsub-default"
        2) "allchannels"
        > ACL SETUSER u (+get)
        OK
        > ACL SETUSER v resetchannels
        OK
        > ACL SETUSER u &x
        (error) ERR Error in ACL SETUSER modifier '&x': Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload &* -@all (&* -@all +get)"
        3) "user v off sanitize-payload resetchannels -@all"
        > ACL SETUSER v reset
        OK
        > CONFIG SET acl-pubsub-default resetchannels
        OK
        > ACL SETUSER u reset
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u off sanitize-payload resetchannels -@all"
        3) "user v off sanitize-payload &* -@all"
        "#,
    );
}
