use super::*;

const BASE: &str = "file a.1.base.aof seq 1 type b\n";
const INCR: &str = "file a.1.incr.aof seq 1 type i\n";

/// The base and one incremental file, as all good lines below give.
fn both() -> Manifest {
    Manifest::parse(format!("{BASE}{INCR}").as_bytes()).unwrap()
}

/// Each text was given to Redis 7.4.1 and 7.0.15, which start on it.
#[test]
fn what_redis_reads_is_read() {
    let same = [
        format!("{INCR}{BASE}"),
        format!("# comment\n{BASE}# another\n{INCR}"),
        format!("#{}\n{BASE}{INCR}", "x".repeat(1022)),
        format!("{BASE}{}", with_length(1024)),
        format!("{BASE}file a.1.incr.aof seq 1 type incr\n"),
        format!("{BASE}file a.1.incr.aof seq 1x type i\n"),
        format!("{BASE}file a.1.incr.aof seq +1 type i\n"),
        format!("{BASE}file a.1.incr.aof seq \" 1\" type i\n"),
        format!("{BASE}file a.1.incr.aof seq 1 type i startoffset 12\n"),
        format!("{BASE}foo bar file a.1.incr.aof seq 1 type i\n"),
        format!("{BASE}FILE a.1.incr.aof SEQ 1 TYPE i\n"),
        format!("{BASE}type i seq 1 file a.1.incr.aof\n"),
        format!("{BASE}file x file a.1.incr.aof seq 9 seq 1 type h type i\n"),
        format!("{BASE}file \"a.1.incr.aof\" seq 1 type i\n"),
        format!("{BASE}file 'a.1.incr.aof' seq 1 type i\n"),
        format!("{BASE}file \"a.1.inc\\x72.aof\" seq 1 type i\n"),
        format!("{BASE}  file\ta.1.incr.aof   seq 1\ttype i \r\n"),
    ];
    for text in same {
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(both()), "{text:?}");
    }
}

/// A good line of `bytes` bytes, its end included, made longer with spaces.
fn with_length(bytes: usize) -> String {
    format!("{:<1$}\n", INCR.trim_end(), bytes - 1)
}

#[test]
fn a_comment_alone_is_an_empty_manifest() {
    for text in ["# x\n", "# x"] {
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(Manifest::default()));
    }
}

#[test]
fn numbers_saturate_and_a_base_may_have_any() {
    let seq_of = |text: &str| Manifest::parse(text.as_bytes()).unwrap().incr_seq;
    assert_eq!(
        seq_of("file a seq 99999999999999999999999 type i\n"),
        i64::MAX
    );
    assert_eq!(seq_of("file a seq 9223372036854775807 type i\n"), i64::MAX);
    let manifest = Manifest::parse(b"file a seq -99999999999999999999 type b\n").unwrap();
    assert_eq!(manifest.base().unwrap().seq, i64::MIN);
}

/// Each text was given to Redis 7.4.1 and 7.0.15, which leave with these words.
#[test]
fn what_redis_refuses_is_refused_in_its_words() {
    let format = "Invalid AOF manifest file format";
    let path = "File can't be a path, just a filename";
    let non_monotonic = "Found a non-monotonic sequence number";
    let duplicate = "Found duplicate base file information";
    let table: &[(&str, &str, &str)] = &[
        ("", "", format),
        ("  ", "", format),
        (" # comment", "# comment", format),
        ("file a seq 1", "file a seq 1", format),
        (
            "file a seq 1 type i more",
            "file a seq 1 type i more",
            format,
        ),
        ("foo a seq 1 type i", "foo a seq 1 type i", format),
        ("file a seq 0 type i", "file a seq 0 type i", format),
        ("file a seq abc type i", "file a seq abc type i", format),
        ("file a seq 1 type \"\"", "file a seq 1 type \"\"", format),
        ("file \"a seq 1 type i", "file \"a seq 1 type i", format),
        ("file ../x seq 1 type i", "file ../x seq 1 type i", path),
        ("file /x seq 1 type i", "file /x seq 1 type i", path),
        ("file x/ seq 1 type i", "file x/ seq 1 type i", path),
        ("file a\\b seq 1 type i", "file a\\b seq 1 type i", path),
        (
            "file a seq -5 type i",
            "file a seq -5 type i",
            non_monotonic,
        ),
        (
            "file a seq 1 type x",
            "file a seq 1 type x",
            "Unknown AOF file type",
        ),
        (
            "file a seq 1 type I",
            "file a seq 1 type I",
            "Unknown AOF file type",
        ),
        ("file b seq 2 type b", "file b seq 2 type b", duplicate),
    ];
    for (line, shown, words) in table {
        let error = Manifest::parse(format!("{BASE}{line}\n").as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), *words, "{line:?}");
        assert_eq!(error.line, Some((2, shown.as_bytes().to_vec())), "{line:?}");
    }
}

#[test]
fn incremental_files_come_in_the_order_of_their_numbers() {
    for second in [
        INCR,
        "file a.1.incr.aof seq 2 type i\nfile b seq 1 type i\n",
    ] {
        let error = Manifest::parse(format!("{INCR}{second}").as_bytes()).unwrap_err();
        assert_eq!(error.fault, ManifestFault::NonMonotonicSeq);
    }
}

#[test]
fn lines_that_are_too_long_are_refused_without_naming_them() {
    let too_long = ManifestFault::LineTooLong.anywhere();
    let unfinished = format!("{BASE}{}", INCR.trim_end());
    let nul = format!("{BASE}file a\0b seq 1 type i\n");
    for text in [with_length(1025), with_length(5000), unfinished, nul] {
        assert_eq!(Manifest::parse(text.as_bytes()), Err(too_long.clone()));
    }
    assert_eq!(
        too_long.to_string(),
        "The AOF manifest file contains too long line"
    );
}

#[test]
fn the_rest_of_a_long_comment_is_a_line() {
    for (length, rest) in [(1024, ""), (1025, "x"), (1500, &"x".repeat(476)[..])] {
        let text = format!("#{}\n{BASE}", "x".repeat(length - 1));
        let error = Manifest::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.line, Some((2, rest.as_bytes().to_vec())));
        assert_eq!(error.fault, ManifestFault::Format);
    }
}

#[test]
fn an_empty_manifest_is_refused() {
    let error = Manifest::parse(b"").unwrap_err();
    assert_eq!(error.to_string(), "Found an empty AOF manifest");
    assert_eq!(error.line, None);
}

#[test]
fn a_manifest_that_cannot_be_read_is_an_error_and_a_missing_one_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a");
    assert_eq!(Manifest::read(&location), Ok(None));
    fs::create_dir_all(location.manifest_path()).unwrap();
    let error = Manifest::read(&location).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Read AOF manifest failed: Is a directory"
    );
}

#[test]
fn bytes_cut_anywhere_or_changed_never_panic() {
    let text = format!("# c\n{BASE}{INCR}file \"q \\x41\\n\" seq 4 type h\n").into_bytes();
    for index in 0..text.len() {
        let _ = Manifest::parse(&text[..index]);
        for byte in [0, b'\n', b'"', b'\\', b'-', b'9', 0xff] {
            let mut changed = text.clone();
            changed[index] = byte;
            let _ = Manifest::parse(&changed);
        }
    }
}

/// Names from `--appendfilename`, as Redis 7.4.1 writes them.
#[test]
fn names_are_quoted_as_redis_quotes_them() {
    let table: &[(&[u8], &[u8])] = &[
        (b"a b.aof", b"\"a b.aof\""),
        (b"a\x01\xff;b\tc\"'", b"\"a\\x01\\xff;b\\tc\\\"'\""),
        (b"\n\r\x07\x08\\", b"\"\\n\\r\\a\\b\\\\\""),
        (b"plain;#.aof", b"plain;#.aof"),
    ];
    for (name, written) in table {
        let mut out = Vec::new();
        write_name(name, &mut out);
        assert_eq!(out, *written);
    }
}

#[test]
fn every_name_but_a_path_survives_writing_and_reading() {
    let mut name: Vec<u8> = (1..=255).filter(|byte| !b"/\\".contains(byte)).collect();
    for _ in 0..2 {
        let mut manifest = Manifest::single(OsStr::from_bytes(&name));
        manifest.add_incr(OsStr::from_bytes(&name)).unwrap();
        assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
        name = b"it's".to_vec();
    }
}

#[test]
fn next_names_count_on_and_never_collide() {
    let mut manifest = both();
    let filename = OsStr::new("a");
    assert_eq!(manifest.add_incr(filename).unwrap().name, "a.2.incr.aof");
    assert_eq!(
        manifest.add_base(filename, BaseFormat::Aof).unwrap(),
        "a.2.base.aof"
    );
    manifest.retire_incrs_before(2);
    let written = "file a.2.base.aof seq 2 type b\n\
                   file a.1.base.aof seq 1 type h\n\
                   file a.1.incr.aof seq 1 type h\n\
                   file a.2.incr.aof seq 2 type i\n";
    assert_eq!(manifest.encode(), written.as_bytes());

    let mut odd = Manifest::parse(b"file a.2.incr.aof seq 1 type i\n").unwrap();
    assert_eq!(odd.add_incr(filename).unwrap().name, "a.3.incr.aof");

    let mut last = Manifest::parse(b"file a seq 9223372036854775807 type i\n").unwrap();
    let error = last.add_incr(filename).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn files_behind_a_damaged_one_are_taken_out() {
    let text = format!("{BASE}{INCR}file a.2.incr.aof seq 2 type i\nfile c seq 7 type i\n");
    let manifest = Manifest::parse(text.as_bytes()).unwrap();
    let names =
        |entries: Vec<Entry>| -> Vec<_> { entries.into_iter().map(|entry| entry.name).collect() };
    let behind = |name: &str| names(manifest.clone().take_behind(name.as_ref()));
    assert_eq!(behind("c"), [""; 0]);
    assert_eq!(behind("a.1.incr.aof"), ["a.2.incr.aof", "c"]);
    assert_eq!(
        behind("a.1.base.aof"),
        ["a.1.incr.aof", "a.2.incr.aof", "c"]
    );
}

#[test]
fn persisting_replaces_the_manifest_and_leaves_no_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a b");
    location.create_dir().unwrap();
    fs::write(location.temp_manifest_path(), "x".repeat(5000)).unwrap();
    for manifest in [both(), Manifest::single("a b".as_ref())] {
        manifest.persist(&location).unwrap();
        assert_eq!(Manifest::read(&location), Ok(Some(manifest)));
    }
    assert!(!location.temp_manifest_path().exists());
}
