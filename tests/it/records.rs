//! Holds docs/records.md to schema/records-1.0.json: the same records, the same keys, the same types.

use crate::program::repository;
use serde_json::Value as Json;
use std::fs;

struct Schema(Json);

impl Schema {
    fn definition(&self, name: &str) -> &Json {
        let found = &self.0["$defs"][name];
        assert!(found.is_object(), "the schema has no {name}");
        found
    }

    /// The node itself, or what it refers to.
    fn resolve<'a>(&'a self, node: &'a Json) -> &'a Json {
        node["$ref"].as_str().map_or(node, |reference| self.definition(reference.trim_start_matches("#/$defs/")))
    }

    /// A row for every key: its path, and its type as the page says it.
    fn rows(&self, node: &Json, path: &str, rows: &mut Vec<String>) {
        for (key, value) in node["properties"].as_object().expect("an object") {
            let found = self.resolve(value);
            let required = node["required"].as_array().is_some_and(|keys| keys.iter().any(|name| name == key));
            let item = self.resolve(&found["items"]);
            let kind = match (found["type"].as_str(), item["type"].as_str()) {
                (Some("array"), Some(kind)) => format!("list of {kind}s"),
                (Some(kind), _) => kind.to_owned(),
                _ => panic!("{path}{key} has no type"),
            };
            let absent = if required { "" } else { ", may be absent" };
            rows.push(format!("| `{path}{key}` | {kind}{absent} |"));
            if value["$ref"] == "#/$defs/value" {
                // Described on its own.
            } else if found["properties"].is_object() {
                self.rows(found, &format!("{path}{key}."), rows);
            } else if item["properties"].is_object() {
                self.rows(item, &format!("{path}{key}[]."), rows);
            }
        }
    }
}

#[test]
fn the_page_describes_what_the_schema_says() {
    let read = |name: &str| fs::read_to_string(repository().join(name)).expect(name);
    let schema = Schema(serde_json::from_str(&read("schema/records-1.0.json")).expect("JSON"));
    let records = schema.0["oneOf"].as_array().expect("records").iter();
    let names = records.filter_map(|record| record["$ref"].as_str()?.strip_prefix("#/$defs/")).chain(["value"]);
    let mut expected = Vec::new();
    for name in names {
        expected.push(format!("## {name}"));
        let mut rows = Vec::new();
        schema.rows(schema.definition(name), "", &mut rows);
        rows.sort();
        expected.extend(rows);
    }
    // The page may order the keys of a record as it likes.
    let (page, mut found, mut rows) = (read("docs/records.md"), Vec::new(), Vec::new());
    for line in page.lines().chain(["## "]) {
        if line.starts_with("## ") {
            rows.sort();
            found.append(&mut rows);
            found.extend(Some(line.to_owned()).filter(|line| line != "## "));
        } else if line.starts_with("| `") {
            rows.push(line.match_indices(" |").nth(1).map_or(line, |(end, _)| &line[..end + 2]).to_owned());
        }
    }
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}
