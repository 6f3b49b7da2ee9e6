//! Names as their words: `personId`, `PERSON_ID` and `person-id` are all `person`, `id`.

/// The words of a name, in small letters, German letters as they are written without umlauts.
pub(super) fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        // `userID` and `HTTPRequest` both have two words.
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            for letter in letter.to_lowercase() {
                match letter {
                    'ä' => word.push_str("ae"),
                    'ö' => word.push_str("oe"),
                    'ü' => word.push_str("ue"),
                    'ß' => word.push_str("ss"),
                    'é' | 'è' | 'ê' => word.push('e'),
                    letter => word.push(letter),
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words.iter().flat_map(|word| apart(word)).collect()
}

/// What is done at a time, in names that are written without a sign between their words.
const DEEDS: &str = "
    created updated modified started finished ended added posted sent start finish end deleted
    expires access viewed submitted";

/// A word whose parts are told without a sign, as databases fold `createdAt`, or as `timecreated`.
fn apart(word: &str) -> Vec<String> {
    let is_deed = |part: &&str| has_word(DEEDS, part);
    let behind = ["at", "on", "by"].into_iter().find_map(|end| {
        let deed = word.strip_suffix(end).filter(is_deed)?;
        Some(vec![deed.to_owned(), end.to_owned()])
    });
    let before = ["time", "date"].into_iter().find_map(|start| {
        let deed = word.strip_prefix(start).filter(is_deed)?;
        Some(vec![start.to_owned(), deed.to_owned()])
    });
    behind.or(before).unwrap_or_else(|| vec![word.to_owned()])
}

/// The words of a column that do not repeat its table's name: `post_author` of `wp_posts` is
/// `author`. None where nothing is repeated, or nothing else said.
pub(super) fn without_table<'a>(words: &'a [String], table: &[String]) -> Option<&'a [String]> {
    let repeated = |word: &&String| table.iter().any(|of| singular(of) == singular(word));
    let count = words.iter().take_while(repeated).count();
    (count > 0 && count < words.len()).then(|| &words[count..])
}

/// Whether one of the words is in a vocabulary, words with blanks between them.
pub(super) fn has_any(words: &[String], vocabulary: &str) -> bool {
    words.iter().any(|word| has_word(vocabulary, word))
}

/// Whether a word is in a vocabulary.
pub(super) fn has_word(vocabulary: &str, word: &str) -> bool {
    vocabulary.split_whitespace().any(|known| known == word)
}

/// The words as one name in snake case.
pub(super) fn joined(words: &[String]) -> String {
    words.join("_")
}

/// A word without the ending of an English plural.
pub(super) fn singular(word: &str) -> &str {
    match word {
        "people" => "person",
        "children" => "child",
        word if word.ends_with("ss") => word,
        word => word.strip_suffix('s').unwrap_or(word),
    }
}
