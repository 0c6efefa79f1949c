//! The README's table of old wounds names tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_named_in_the_readme_is_one() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let readme = fs::read_to_string(directory.join("README.md")).unwrap();
    let named = readme.split('`').filter_map(|word| word.split_once("::"));
    let mut count = 0;
    for (file, test) in named {
        let text = fs::read_to_string(directory.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
        count += 1;
    }
    assert!(count > 40, "{count}");
    let files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let main = fs::read_to_string(directory.join("main.rs")).unwrap();
    for file in files.filter(|name| name.ends_with(".rs") && name != "main.rs") {
        assert!(main.contains(&format!("mod {};", file.trim_end_matches(".rs"))), "{file} is not part of the group");
    }
}
