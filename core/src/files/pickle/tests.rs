use super::{Graph, Host, Node, PickleError, Place, load};

/// A reader that knows nothing.
struct Nothing;

impl Host for Nothing {
    type Made = ();

    fn outside(&mut self, _graph: &Graph<()>, _reference: Place) -> Result<Node<()>, PickleError> {
        Err(PickleError::Foreign("a reference".to_owned()))
    }

    fn call(&mut self, _graph: &Graph<()>, _name: &str, _arguments: &[Place]) -> Result<Option<Node<()>>, PickleError> {
        Ok(None)
    }
}

/// As Python would print it.
fn printed(graph: &Graph<()>, place: Place) -> String {
    let all = |places: &[Place]| places.iter().map(|&place| printed(graph, place)).collect::<Vec<_>>().join(", ");
    match graph.at(place) {
        Node::Int(number) => number.to_string(),
        Node::Float(number) => number.to_string(),
        Node::Text(text) => format!("'{text}'"),
        Node::Bytes(bytes) => format!("b{bytes:?}"),
        Node::Bool(yes) => yes.to_string(),
        Node::List(values) => format!("[{}]", all(values)),
        Node::Tuple(values) => format!("({})", all(values)),
        Node::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", printed(graph, *key), printed(graph, *value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// `pickle.dumps(VALUE, protocol)` of Python 3.12, of one value in the protocols 0, 2 and 4:
/// `{'a': [1, -2, 300, 70000, 2**40], 'b': (True, None, 0.5), 'c': {'d': 'ü'}, 'e': 'a'}`, the key `'a'` being one object.
const DUMPED: [&[u8]; 3] = [
    b"(dp0\nVa\np1\n(lp2\nI1\naI-2\naI300\naI70000\naL1099511627776L\nasVb\np3\n(I01\nNF0.5\ntp4\nsVc\np5\n(dp6\nVd\np7\nV\xfc\np8\nssVe\np9\ng1\ns.",
    b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01eX\x01\x00\x00\x00bq\x03\x88NG?\xe0\x00\x00\x00\x00\x00\x00\x87q\x04X\x01\x00\x00\x00cq\x05}q\x06X\x01\x00\x00\x00dq\x07X\x02\x00\x00\x00\xc3\xbcq\x08sX\x01\x00\x00\x00eq\th\x01u.",
    b"\x80\x04\x95K\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01e\x8c\x01b\x94\x88NG?\xe0\x00\x00\x00\x00\x00\x00\x87\x94\x8c\x01c\x94}\x94\x8c\x01d\x94\x8c\x02\xc3\xbc\x94s\x8c\x01e\x94h\x01u.",
];

#[test]
fn every_protocol_comes_to_the_same_values() {
    for bytes in DUMPED {
        let (graph, root, length) = load(bytes, &mut Nothing).unwrap();
        let found = printed(&graph, root);
        assert_eq!(found, "{'a': [1, -2, 300, 70000, 1099511627776], 'b': (true, None, 0.5), 'c': {'d': 'ü'}, 'e': 'a'}");
        assert_eq!(length, bytes.len());
    }
}

#[test]
fn what_is_to_be_called_is_named_and_not_called() {
    for (bytes, name) in [
        (b"cos\nsystem\n(Vtouch here\ntR.".as_slice(), "os.system"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system"),
        (b"\x80\x02c__main__\nResNet\n)\x81}b.", "__main__.ResNet"),
    ] {
        assert_eq!(load(bytes, &mut Nothing).err(), Some(PickleError::Foreign(name.to_owned())));
    }
}

#[test]
fn a_pickle_that_is_cut_anywhere_or_lies_about_lengths_is_damaged() {
    for bytes in DUMPED {
        for end in 0..bytes.len() {
            assert!(matches!(load(&bytes[..end], &mut Nothing), Err(PickleError::Damaged(_))), "cut at {end}");
        }
    }
    let endless = b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.";
    assert!(matches!(load(endless, &mut Nothing), Err(PickleError::Damaged(_))));
}

proptest::proptest! {
    #[test]
    fn no_bytes_whatever_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = load(&bytes, &mut Nothing);
    }
}
