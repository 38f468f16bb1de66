//! A dialect that uses everything that the machine offers one.

use crosr_pickle::{Dialect, Machine, PickleError, ValueOf};

/// Names of one letter, whatever the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Name {
    Dict,
    First,
    Made,
    Tuple,
}

#[derive(Clone, Copy, Debug)]
pub enum Loose {}

impl Dialect for Loose {
    type Global = Name;
    /// How many arguments and states went into it.
    type Made<'a> = usize;

    fn resolve(_: &str, name: &str) -> Option<Name> {
        Some(match name {
            "d" => Name::Dict,
            "f" => Name::First,
            "m" => Name::Made,
            "t" => Name::Tuple,
            _ => return None,
        })
    }

    fn call<'a>(
        machine: &mut Machine<'a, Self>,
        callee: Name,
        arguments: &[ValueOf<'a, Self>],
    ) -> Result<(), PickleError> {
        match callee {
            Name::Dict => {
                let (pairs, _) = arguments.as_chunks::<2>();
                machine.push_dict(pairs.iter().map(|[key, value]| (*key, *value)).collect())
            }
            Name::First => match arguments.first() {
                Some(first) => {
                    machine.push(*first);
                    Ok(())
                }
                None => Err(machine.malformed("the first of none".to_owned())),
            },
            Name::Made => {
                machine.push_made(arguments.len());
                Ok(())
            }
            Name::Tuple => {
                machine.charge(arguments.len())?;
                machine.push_tuple(arguments.to_vec())
            }
        }
    }

    fn persistent<'a>(
        machine: &mut Machine<'a, Self>,
        id: ValueOf<'a, Self>,
    ) -> Result<(), PickleError> {
        let n_items = machine.sequence(id)?.len();
        machine.push_made(n_items);
        Ok(())
    }

    fn build<'a>(
        machine: &mut Machine<'a, Self>,
        target: ValueOf<'a, Self>,
        state: ValueOf<'a, Self>,
    ) -> Result<(), PickleError> {
        let n_items = machine.sequence(state)?.len();
        match machine.made_mut(target) {
            Some(made) => {
                *made += n_items;
                Ok(())
            }
            None => Err(machine.malformed("a state of plain data".to_owned())),
        }
    }
}
